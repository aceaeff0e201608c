// How far the consumer is behind, how fast it is, and its last batch.

import assert from 'node:assert/strict';
import { StubServer, status } from './stub.mjs';
import { browserTest, connected, count } from './support.mjs';

const partition = (number, messages, seconds) => ({
  partition: number,
  next: 5000,
  end: 5000 + messages,
  messages,
  seconds,
});

browserTest('lag, rates and the last batch are shown', async (t, page) => {
  const stub = await StubServer.start(t, {
    status: status({
      lag: 1234,
      lag_seconds: 400,
      partition_count: 3,
      partitions: [partition(0, 0, 0), partition(1, 1000, 400), partition(7, 234, null)],
      rates: { sent: 2000.4, received: 1500, stored: 1000 },
      last_batch: { number: 12, rows: 10_000, closed_by: 'size', created_at: '2026-11-24T12:00:00Z' },
    }),
  });
  await page.goto(stub.url);
  await connected(page);
  await page.getByTestId('partitions').waitFor();
  const rows = await page.getByTestId('partitions').locator('tbody tr').evaluateAll((rows) =>
    rows.map((row) => [...row.cells].map((cell) => cell.textContent.trim())),
  );
  assert.deepEqual(rows, [
    ['0', '', '0', '0 s', '5,000', '5,000'],
    ['1', '', '1,000', '7 min', '5,000', '6,000'],
    ['7', '', '234', '\u2013', '5,000', '5,234'],
  ]);
  assert.equal(await count(page, 'count-lag'), 1234);
  assert.equal(await page.getByTestId('lag-seconds').textContent(), '7 min');
  assert.equal(await count(page, 'rate-sent'), 2000);
  assert.equal(await count(page, 'rate-received'), 1500);
  assert.equal(await count(page, 'rate-stored'), 1000);
  const batch = page.getByTestId('last-batch');
  assert.equal(await batch.textContent(), 'batch 12, by size10,000 lines');
});

browserTest('many partitions stay a short list, a single one is none', async (t, page) => {
  const listed = Array.from({ length: 32 }, (_, n) => partition(3 * n, n, n));
  const stub = await StubServer.start(t, {
    status: status({ partition_count: 1000, partitions: listed }),
  });
  await page.goto(stub.url);
  await page.getByText('The 32 with the largest lag of 1,000 partitions.').waitFor();
  assert.equal(await page.getByTestId('partitions').locator('tbody tr').count(), 32);

  stub.status = status({ lag: 5, partition_count: 1, partitions: [partition(0, 5, null)] });
  stub.sendStatus();
  await page.getByTestId('partitions').waitFor({ state: 'detached' });
  assert.equal(await count(page, 'count-lag'), 5);
});
