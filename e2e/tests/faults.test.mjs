// What went wrong is shown with its reason: failed components, damaged batches, messages left out.

import assert from 'node:assert/strict';
import { StubServer, lineModel, status } from './stub.mjs';
import { browserTest, connected, count, facts } from './support.mjs';

browserTest('a failed component is shown with its reason, the others with their stage', async (t, page) => {
  const reason = 'index out of bounds: the len is 3 but the index is 7';
  const stub = await StubServer.start(t, {
    status: status({
      components: [
        { component: 'broker', stage: 'running' },
        { component: 'consumer', stage: 'done' },
        { component: 'trainer', stage: 'failed', reason },
        { component: 'serving', stage: 'running' },
        { component: 'watcher', stage: 'running' },
        { component: 'terminal', stage: 'running' },
      ],
    }),
  });
  await page.goto(stub.url);
  await connected(page);
  const failures = page.getByTestId('failures');
  await failures.getByText(reason).waitFor();
  assert.equal(await failures.getByRole('heading').textContent(), 'Trainer failed');

  const stages = await page.locator('[data-testid^="stage-"]').evaluateAll((pills) =>
    Object.fromEntries(pills.map((pill) => [pill.dataset.testid, pill.dataset.state])),
  );
  assert.deepEqual(stages, {
    'stage-producer': 'absent',
    'stage-consumer': 'done',
    'stage-trainer': 'failed',
    'stage-broker': 'running',
    'stage-serving': 'running',
    'stage-watcher': 'running',
    'stage-terminal': 'running',
  });
  const producer = await page.getByTestId('stage-producer').textContent();
  assert.equal(producer, 'not in this process');
});

browserTest('repeated lines and empty messages are counted beside the dead letters', async (t, page) => {
  const stub = await StubServer.start(t, {
    status: status({ dead_letters: 2, repeated: 1234, empty: 56 }),
  });
  await page.goto(stub.url);
  await connected(page);
  await page.getByTestId('count-repeated').filter({ hasText: '1,234' }).waitFor();
  assert.equal(await count(page, 'count-empty'), 56);
  assert.equal(await count(page, 'count-dead-letters'), 2);
  assert.equal(await page.getByTestId('failures').count(), 0);
  assert.equal(await page.getByTestId('gaps').count(), 0);
});

browserTest('damaged batches are shown with the reason, and on the models that lack them', async (t, page) => {
  const stub = await StubServer.start(t, {
    status: status({
      gaps: [
        { batch: 3, reason: 'its checksum does not match the manifest' },
        { batch: 7, reason: 'its file is missing' },
      ],
    }),
    models: [
      lineModel('customer', 8),
      lineModel('customer', 'all', { gaps: [3, 7] }),
      lineModel('customer', 'live', { gaps: Array.from({ length: 500 }, (_, n) => 2 * n + 1) }),
    ],
  });
  await page.goto(stub.url);
  const gaps = page.getByTestId('gaps');
  await gaps.getByRole('heading', { name: '2 damaged batches left out of training' }).waitFor();
  assert.deepEqual(await gaps.locator('li').allTextContents(), [
    'Batch 7: its file is missing',
    'Batch 3: its checksum does not match the manifest',
  ]);

  const lacks = async (model) => {
    await page.goto(`${stub.url}/clusters?entity=customer&model=${model}`);
    await facts(page, 'line', 'customer', model).waitFor();
    const found = page.getByTestId('model-gaps');
    return (await found.count()) ? found.textContent() : null;
  };
  assert.equal(await lacks('all'), 'lacks batches3, 7');
  assert.equal(await lacks('live'), 'lacks batches1, 3, 5, 7, 9, 11, 13, 15 and 492 more');
  assert.equal(await lacks(8), null);
});

browserTest('the list of damaged batches stays short', async (t, page) => {
  const gaps = Array.from({ length: 1000 }, (_, n) => ({ batch: n + 1, reason: 'missing' }));
  const stub = await StubServer.start(t, { status: status({ gaps }) });
  await page.goto(stub.url);
  const entries = page.getByTestId('gaps').locator('li');
  await entries.first().waitFor();
  assert.equal(await entries.count(), 11);
  assert.equal(await entries.last().textContent(), 'and 990 more');
});

browserTest('what a component waits for is shown until it goes on', async (t, page) => {
  const waiting =
    'no connection to the brokers since 2026-11-24T12:00:00Z (kafka-1:9092: Connection refused)';
  const stub = await StubServer.start(t, {
    status: status({
      components: [
        { component: 'producer', stage: 'running' },
        { component: 'consumer', stage: 'running', waiting },
        { component: 'trainer', stage: 'running' },
      ],
    }),
  });
  await page.goto(stub.url);
  const waits = page.getByTestId('waits');
  await waits.getByText(waiting).waitFor();
  assert.deepEqual(await waits.getByRole('heading').allTextContents(), ['Consumer waits']);
  const state = (component) => page.getByTestId(`stage-${component}`).getAttribute('data-state');
  assert.equal(await state('consumer'), 'waiting');
  assert.equal(await state('producer'), 'running');

  delete stub.status.components[1].waiting;
  stub.sendStatus();
  await waits.waitFor({ state: 'detached' });
  assert.equal(await state('consumer'), 'running');
});
