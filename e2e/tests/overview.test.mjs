// Live counts, and what is shown while there is nothing, or nobody, to show them.

import assert from 'node:assert/strict';
import { Server, api, browserTest, connected, count, countAbove, dataDir } from './support.mjs';

browserTest('the counts move while the page is open', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    await page.goto(server.url);
    await connected(page);
    const sent = await countAbove(page, 'count-lines-sent', 0);
    const stored = await countAbove(page, 'count-lines-stored', 0);
    const batches = await countAbove(page, 'count-batches', 0);
    const models = await countAbove(page, 'count-models', 0);
    await countAbove(page, 'count-lines-sent', sent);
    await countAbove(page, 'count-lines-stored', stored);
    await countAbove(page, 'count-batches', batches);
    await countAbove(page, 'count-models', models);
    await countAbove(page, 'rate-received', 0);
    assert.ok((await count(page, 'count-lines-read')) > 0);
    const { components } = await api(page, server, '/status');
    for (const { component } of components) {
      const state = await page.getByTestId(`stage-${component}`).getAttribute('data-state');
      assert.equal(state, 'running', component);
    }
    for (const component of ['broker', 'producer', 'consumer', 'trainer', 'serving']) {
      assert.ok(components.some((status) => status.component === component), component);
    }
    assert.equal(await page.getByTestId('failures').count(), 0);
    assert.equal(await page.getByTestId('gaps').count(), 0);
    await page.getByTestId('batches').locator('tbody tr').first().waitFor();
    await page.getByTestId('events').getByText(/Batch \d+ stored/).first().waitFor();
    const total = Number(await page.getByTestId('progress').getAttribute('aria-valuemax'));
    assert.equal(total, 541_909, 'lines of the built-in data set');
  } finally {
    await server.stop();
  }
});

browserTest('before the first batch the page says that there is nothing yet', async (t, page) => {
  const server = await Server.start({
    dataDir: await dataDir(t),
    flags: ['--rate', '1', '--batch-size', '100000', '--batch-interval', '3600'],
  });
  try {
    await page.goto(server.url);
    await page.getByTestId('no-batches').waitFor();
    await page.getByTestId('nav-clusters').click();
    await page.getByTestId('empty').filter({ hasText: 'No model of customers yet' }).waitFor();
    // A link within the page; asked for such an address the server itself answers 404.
    await page.evaluate(() => {
      history.pushState(null, '', '/no/such/page');
      dispatchEvent(new PopStateEvent('popstate'));
    });
    await page.getByTestId('not-found').waitFor();
  } finally {
    await server.stop();
  }
});

browserTest('a server that goes is missed, and found when it comes back', async (t, page) => {
  const dir = await dataDir(t);
  let server = await Server.start({ dataDir: dir });
  let up = true;
  try {
    await page.goto(server.url);
    const before = await countAbove(page, 'count-lines-stored', 0);
    await page.getByTestId('nav-predict').click();
    await page.getByTestId('example').click();

    await server.stop();
    up = false;
    await page.getByTestId('connection-lost').waitFor();
    assert.equal(await page.getByTestId('connection').getAttribute('data-state'), 'lost');
    await page.getByTestId('predict').click();
    await page.getByTestId('predict-error').filter({ hasText: 'does not answer' }).waitFor();
    await page.getByTestId('nav-clusters').click();
    await page.getByTestId('error').filter({ hasText: 'does not answer' }).waitFor();

    server = await Server.start({ dataDir: dir, port: server.port });
    up = true;
    await connected(page);
    await page.getByTestId('connection-lost').waitFor({ state: 'detached' });
    // What could not be loaded is loaded by itself.
    await page.getByTestId('error').waitFor({ state: 'detached' });
    await page.getByTestId('nav-overview').click();
    await countAbove(page, 'count-lines-stored', before);
  } finally {
    if (up) await server.stop();
  }
});
