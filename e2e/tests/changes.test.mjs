// What becomes of clusters from model to model, how many there are, and which model is champion.

import assert from 'node:assert/strict';
import { Server, api, browserTest, dataDir, facts, trained } from './support.mjs';

/** The colour of each identity in the legend. */
const colours = (page) =>
  page.getByTestId('legend-item').evaluateAll((items) =>
    Object.fromEntries(
      items.map((item) => [
        item.dataset.identity,
        getComputedStyle(item.querySelector('.badge')).backgroundColor,
      ]),
    ),
  );

browserTest('a cluster keeps its colour whatever its number is', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    const [first, ...later] = await trained(page, server, 'line', 'product', 4);
    const seen = new Map();
    for (const number of [first, ...later.slice(0, 3)]) {
      await page.goto(`${server.url}/clusters?entity=product&model=${number}`);
      await facts(page, 'line', 'product', number).waitFor();
      const model = await api(page, server, `/models/product/${number}`);
      const shown = await colours(page);
      assert.deepEqual(
        Object.keys(shown).map(Number),
        model.clusters.map((cluster) => cluster.identity).sort((a, b) => a - b),
      );
      for (const [identity, colour] of Object.entries(shown)) {
        assert.equal(colour, seen.get(identity) ?? colour, `identity ${identity}`);
        seen.set(identity, colour);
      }
    }
  } finally {
    await server.stop();
  }
});

browserTest('changes and moves between two models are shown', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    for (const kind of ['line', 'profile']) {
      const numbers = await trained(page, server, kind, 'customer', 3);
      const shown = numbers[2];
      await page.goto(`${server.url}/clusters?kind=${kind}&entity=customer&model=${shown}`);
      await facts(page, kind, 'customer', shown).waitFor();
      const model = await api(page, server, `/models/customer/${shown}?kind=${kind}`);
      const transitions = page.getByTestId('transitions').locator('li');
      assert.equal(await transitions.count(), model.transitions.length);

      // With the previous model at first, then with the one that is chosen.
      const matrix = (from) =>
        page.locator(`[data-testid="migration"][data-from="${from}"][data-to="${shown}"]`);
      await matrix(model.previous).waitFor();
      await page.getByLabel('Compare with').selectOption({ label: `Model ${numbers[0]}` });
      await matrix(numbers[0]).waitFor();
      const path = `/models/customer/${numbers[0]}/migration/${shown}?kind=${kind}`;
      const { counts } = await api(page, server, path);
      const cells = await matrix(numbers[0]).locator('td.moved').allTextContents();
      const shownCounts = counts.flat().map((count) => count.toLocaleString('en'));
      assert.equal(cells.length, shownCounts.length);
      cells.forEach((cell, at) => assert.ok(cell.startsWith(shownCounts[at]), cell));
    }
  } finally {
    await server.stop();
  }
});

browserTest('a person promotes a model, goes back and lets go', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    const [first, second] = await trained(page, server, 'line', 'country', 2);
    const show = async (number) => {
      await page.goto(`${server.url}/clusters?entity=country&model=${number}`);
      await facts(page, 'line', 'country', number).waitFor();
    };
    const champion = (number) =>
      page.locator(`[data-testid="champion"][data-model="${number}"]`).waitFor();
    const promote = async (number) => {
      await show(number);
      // The gate may have done it already.
      const button = page.getByTestId('promote');
      await page.getByTestId('champion').waitFor();
      if (await button.count()) await button.click();
      await champion(number);
      await page.getByTestId('champion-badge').waitFor();
    };
    await page.request.post(`${server.url}/api/v1/champions/country`, { data: { promote: first } });
    await promote(second);
    await page.getByTestId('champion-held').waitFor();

    await page.getByTestId('roll-back').click();
    await champion(first);
    await page.getByTestId('champion-badge').waitFor({ state: 'detached' });

    // What the server says against it is shown, and nothing changes.
    await page.route('**/api/v1/champions/country?*', (route) =>
      route.fulfill({ status: 409, json: { error: 'it cannot be done' } }),
    );
    await page.getByTestId('promote').click();
    await page.getByTestId('champion-error').filter({ hasText: 'it cannot be done' }).waitFor();
    await champion(first);
    await page.unroute('**/api/v1/champions/country?*');

    await page.getByTestId('release').click();
    await page.getByTestId('champion-held').waitFor({ state: 'detached' });
    await page.getByTestId('champion-error').waitFor({ state: 'detached' });
    await page.getByTestId('decisions').locator('li').first().waitFor();
  } finally {
    await server.stop();
  }
});

browserTest('a chosen number of clusters comes with its report card', async (t, page) => {
  const server = await Server.start({
    dataDir: await dataDir(t),
    flags: ['--rate', '2000', '--batch-size', '1000', '--k', 'auto'],
  });
  try {
    const [number] = await trained(page, server, 'line', 'product');
    await page.goto(`${server.url}/clusters?entity=product&model=${number}`);
    await facts(page, 'line', 'product', number).waitFor();
    const report = await api(page, server, `/models/product/${number}/report`);
    const verdict = await page.getByTestId('verdict').textContent();
    assert.equal(verdict.toLowerCase(), report.verdict.toLowerCase());
    const rows = page.getByTestId('report-table').locator('tbody tr');
    assert.equal(await rows.count(), report.rows.length);
    const chosen = page.getByTestId('report-table').locator('tr.chosen th');
    assert.equal(parseInt(await chosen.textContent(), 10), report.chosen);
    assert.equal(await page.getByTestId('report').locator('figure').count(), 3);
  } finally {
    await server.stop();
  }
});

browserTest('no page is wider than a phone', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    const [number] = await trained(page, server, 'profile', 'customer');
    const { ids } = await api(page, server, `/models/customer/${number}/profiles`);
    await page.setViewportSize({ width: 375, height: 800 });
    const pages = {
      '/': 'segments',
      '/clusters': 'summary-table',
      '/clusters?kind=profile': 'champion',
      [`/profiles?entity=customer&id=${ids[0]}`]: 'history',
      '/predict': 'predict-form',
    };
    for (const [address, part] of Object.entries(pages)) {
      await page.goto(server.url + address);
      await page.getByTestId(part).waitFor();
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 375, `${address} is ${width} px wide`);
    }
  } finally {
    await server.stop();
  }
});
