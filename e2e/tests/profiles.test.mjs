// Profile models among the clusters, and the page of one customer, product or country.

import assert from 'node:assert/strict';
import { Server, api, browserTest, dataDir, facts, trained } from './support.mjs';

const NUMBER = new Intl.NumberFormat('en');

browserTest('profiles are drawn by any two of their features', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    await page.goto(`${server.url}/clusters`);
    for (const entity of ['customer', 'product', 'country']) {
      const [number] = await trained(page, server, 'profile', entity);
      await page.goto(`${server.url}/clusters?kind=profile&entity=${entity}&model=${number}`);
      await facts(page, 'profile', entity, number).waitFor();
      const model = await api(page, server, `/models/${entity}/${number}?kind=profile`);
      const rows = await api(page, server, `/models/${entity}/${number}/profiles`);
      const scatter = page.getByTestId('scatter');
      assert.equal(Number(await scatter.getAttribute('data-points')), rows.ids.length);

      const legend = page.getByTestId('legend-item');
      assert.equal(await legend.count(), model.k);
      for (const [index, cluster] of model.clusters.entries()) {
        const text = await legend.nth(index).textContent();
        assert.ok(text.includes(cluster.name.en), text);
        const words = await page.getByTestId('sentences').locator('li').nth(index).textContent();
        assert.ok(words.includes(cluster.sentence.en), words);
        assert.ok(text.includes(NUMBER.format(model.sizes[index])), text);
      }

      // Whatever the axes are, the first row from the keyboard is one of the model's.
      const last = rows.features.length - 1;
      for (const [across, upwards] of [[0, last], [last, 0]]) {
        await page.getByTestId('axis-x').selectOption(String(across));
        await page.getByTestId('axis-y').selectOption(String(upwards));
        const [x, y] = [across, upwards].map((axis) => words(rows.features[axis]));
        await page.locator('.axes .axis').filter({ hasText: x }).waitFor();
        const label = await scatter.getAttribute('aria-label');
        assert.ok(label.includes(`by ${x} and ${y}`), label);
        await scatter.focus();
        await page.keyboard.press('Home');
        const id = await page.getByTestId('tooltip').locator('strong').textContent();
        assert.ok(rows.ids.includes(id), id);
        await page.keyboard.press('Escape');
      }
    }
  } finally {
    await server.stop();
  }
});

/** A feature as the page writes it: `mean_basket` is `Mean basket`. */
function words(feature) {
  const text = feature.replaceAll('_', ' ');
  return text[0].toUpperCase() + text.slice(1);
}

browserTest('names are read in the chosen language, which is kept', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    const [number] = await trained(page, server, 'profile', 'customer');
    await page.goto(`${server.url}/clusters?kind=profile&entity=customer&model=${number}`);
    const { clusters } = await api(page, server, `/models/customer/${number}?kind=profile`);
    const first = page.getByTestId('legend-item').first();
    await first.filter({ hasText: clusters[0].name.en }).waitFor();
    await page.getByLabel('Names in').selectOption({ label: 'Bahasa Indonesia' });
    await first.filter({ hasText: clusters[0].name.id }).waitFor();
    const words = page.getByTestId('sentences').locator('li').first();
    await words.filter({ hasText: clusters[0].sentence.id }).waitFor();
    assert.equal(await first.locator('strong').getAttribute('lang'), 'id');
    await page.reload();
    await first.filter({ hasText: clusters[0].name.id }).waitFor();
    assert.equal(await page.getByLabel('Names in').inputValue(), '1');
  } finally {
    await server.stop();
  }
});

browserTest('one customer, product or country is looked up', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    await page.goto(`${server.url}/profiles`);
    await page.getByTestId('empty').waitFor();
    for (const entity of ['customer', 'product', 'country']) {
      const [number] = await trained(page, server, 'profile', entity);
      const { ids } = await api(page, server, `/models/${entity}/${number}/profiles`);
      const id = ids[Math.floor(ids.length / 2)];
      await page.getByTestId(`entity-${entity}`).check();
      await page.getByTestId('profile-id').fill(id);
      await page.getByTestId('show-profile').click();
      const profile = page.locator(`[data-testid="profile"][data-entity="${entity}"][data-id="${id}"]`);
      await profile.waitFor();

      const path = `/profiles/${entity}/${encodeURIComponent(id)}`;
      const view = await api(page, server, path);
      const features = await profile.locator('dd[data-feature]').evaluateAll((values) =>
        values.map((value) => value.dataset.feature),
      );
      assert.deepEqual(features, view.features);
      assert.equal(await page.getByTestId('rfm').count(), entity === 'customer' ? 1 : 0);
      if (view.rfm) {
        assert.equal(await page.getByTestId('segment').textContent(), view.rfm.segment.en);
      }
      const known = view.history.find((membership) => membership.model === number);
      assert.ok(known, 'the model that knows it is in its history');
      const run = page.getByTestId('runs').locator('li').last();
      await run.filter({ hasText: new RegExp(`Models? ${view.history[0].model}\\b`) }).waitFor();
    }
    // The address is enough to come back, and leads on to the clusters.
    await page.reload();
    await page.getByTestId('runs').getByRole('link').first().click();
    await page.locator('[data-testid="model-facts"][data-kind="profile"]').waitFor();
  } finally {
    await server.stop();
  }
});

browserTest('an unknown customer is an answer, not an error', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    await trained(page, server, 'profile', 'customer');
    await page.goto(`${server.url}/profiles`);
    await page.getByTestId('show-profile').click();
    await page.getByTestId('profile-id-error').filter({ hasText: 'Enter a CustomerID.' }).waitFor();
    await page.getByTestId('profile-id').fill('99999999');
    await page.getByTestId('show-profile').click();
    await page.getByTestId('empty').filter({ hasText: 'Customer 99999999 was not found' }).waitFor();
    assert.equal(await page.getByTestId('error').count(), 0);
  } finally {
    await server.stop();
  }
});
