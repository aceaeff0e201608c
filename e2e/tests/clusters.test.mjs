// The scatter and what stands around it.

import assert from 'node:assert/strict';
import { Server, browserTest, countAbove, dataDir, facts as shown } from './support.mjs';

/** How many pixels of the canvas come near to the colour of each of the first three clusters. */
function pixelsByCluster(canvas) {
  const style = getComputedStyle(canvas);
  const palette = [1, 2, 3].map((cluster) => {
    const hex = style.getPropertyValue(`--cluster-${cluster}`).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  });
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const found = [0, 0, 0];
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] < 100) continue;
    palette.forEach((colour, cluster) => {
      const far = colour.reduce((sum, value, c) => sum + Math.abs(value - data[at + c]), 0);
      if (far < 24) found[cluster] += 1;
    });
  }
  return found;
}

/** Loads the counting into every document of the page, whose content security policy allows no eval. */
async function prepare(page) {
  await page.addInitScript(`window.pixelsByCluster = ${pixelsByCluster}`);
}

/** Waits until all three clusters are on the canvas. */
async function drawn(page) {
  await page.waitForFunction(() => {
    const canvas = document.querySelector('[data-testid="scatter-canvas"]');
    return canvas?.width > 0 && window.pixelsByCluster(canvas).every((pixels) => pixels > 20);
  });
}

const facts = (page, entity, model) => shown(page, 'line', entity, model);

browserTest('the clusters of a model are drawn, named and counted', async (t, page) => {
  await prepare(page);
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    await page.goto(server.url);
    await countAbove(page, 'count-models', 5);
    await page.getByTestId('nav-clusters').click();
    for (const entity of ['customer', 'product', 'country']) {
      await page.getByTestId(`entity-${entity}`).check();
      await page.getByLabel('Model', { exact: true }).selectOption('1');
      await facts(page, entity, '1').waitFor();
      await drawn(page);
      assert.equal(await page.getByTestId('centroid').count(), 3);

      const legend = page.getByTestId('legend-item');
      assert.equal(await legend.count(), 3);
      const model = await (await page.request.get(`${server.url}/api/v1/models/${entity}/1`)).json();
      for (const [index, grade] of ['Low', 'Medium', 'High'].entries()) {
        const text = await legend.nth(index).textContent();
        assert.ok(text.includes(`${grade}-value ${entity} line`), text);
        assert.ok(text.includes(model.clusters[index].name.en), text);
        const words = await page.getByTestId('sentences').locator('li').nth(index).textContent();
        assert.ok(words.includes(model.clusters[index].sentence.en), words);
        assert.ok(text.includes(model.sizes[index].toLocaleString('en')), text);
      }
      assert.equal(await page.getByTestId('summary-table').locator('tbody tr').count(), 3);
      const silhouette = await page.getByTestId('silhouette').getAttribute('data-value');
      assert.equal(Number(silhouette), model.evaluation.silhouette.value);
      const funnel = await page.getByTestId('funnel').textContent();
      assert.ok(funnel.includes(model.funnel.kept.toLocaleString('en')), funnel);
      const { weight } = await (
        await page.request.get(`${server.url}/api/v1/models/${entity}/1/points`)
      ).json();
      const points = await page.getByTestId('scatter').getAttribute('data-points');
      assert.equal(Number(points), weight.length);
    }
  } finally {
    await server.stop();
  }
});

browserTest('a point names itself, a cluster can be left out', async (t, page) => {
  await prepare(page);
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    await page.goto(server.url);
    await countAbove(page, 'count-models', 5);
    await page.goto(`${server.url}/clusters?entity=product&model=1`);
    await drawn(page);

    // From the keyboard the point with the most lines comes first; the pointer finds the same.
    const { weight, quantity } = await (
      await page.request.get(`${server.url}/api/v1/models/product/1/points`)
    ).json();
    const heaviest = Math.max(...weight);
    await page.getByTestId('scatter').focus();
    await page.keyboard.press('ArrowRight');
    const tooltip = page.getByTestId('tooltip');
    await tooltip.filter({ hasText: `${heaviest.toLocaleString('en')} line` }).waitFor();
    const { clusters } = await (
      await page.request.get(`${server.url}/api/v1/models/product/1`)
    ).json();
    const [, number, name] = (await tooltip.textContent()).match(/Cluster ([123]): (.*)$/);
    assert.equal(name, clusters[number - 1].name.en);
    const named = Number((await tooltip.locator('strong').textContent()).split(' ')[0]);
    assert.ok(quantity.includes(named), 'the point is one of the model');
    await page.keyboard.press('Escape');
    await tooltip.waitFor({ state: 'detached' });

    const canvas = page.getByTestId('scatter-canvas');
    const before = await canvas.evaluate(pixelsByCluster);
    const second = page.getByTestId('legend-item').nth(1);
    await second.click();
    // Away from the legend, so that no cluster stands out.
    await page.mouse.move(5, 5);
    await page.getByRole('heading', { level: 1 }).click();
    await second.evaluate((button) => button.blur());
    assert.equal(await second.getAttribute('aria-pressed'), 'false');
    assert.equal(await page.getByTestId('centroid').count(), 2);
    await page.waitForFunction((before) => {
      const now = window.pixelsByCluster(document.querySelector('[data-testid="scatter-canvas"]'));
      return now[1] < before[1] / 10 && now[0] > before[0] / 2 && now[2] > before[2] / 2;
    }, before);
  } finally {
    await server.stop();
  }
});

browserTest('new models appear by themselves', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    await page.goto(server.url);
    await countAbove(page, 'count-models', 5);
    await page.goto(`${server.url}/clusters`);
    const shown = page.getByTestId('model-facts');
    await shown.waitFor();
    const first = Number(await shown.getAttribute('data-model'));
    await page.waitForFunction((first) => {
      const facts = document.querySelector('[data-testid="model-facts"]');
      return Number(facts?.dataset.model) > first;
    }, first);

    await page.getByLabel('Model', { exact: true }).selectOption('all');
    await facts(page, 'customer', 'all').waitFor();
    const batches = await shown.textContent();
    await page.waitForFunction((before) => {
      const facts = document.querySelector('[data-testid="model-facts"]');
      return facts && facts.dataset.model === 'all' && facts.textContent !== before;
    }, batches);
  } finally {
    await server.stop();
  }
});

browserTest('the line predicted last is shown among the clusters', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    await page.goto(server.url);
    await countAbove(page, 'count-models', 5);
    await page.getByTestId('nav-predict').click();
    await page.getByTestId('entity-country').check();
    await page.getByTestId('example').click();
    await page.getByTestId('predict').click();
    await page.getByRole('link', { name: 'Show it on the scatter plot' }).click();
    await page.locator('[data-testid="model-facts"][data-entity="country"]').waitFor();
    await page.getByTestId('predicted-point').filter({ hasText: 'United Kingdom' }).waitFor();
    await page.getByTestId('entity-customer').check();
    await page.locator('[data-testid="model-facts"][data-entity="customer"]').waitFor();
    assert.equal(await page.getByTestId('predicted-point').count(), 0, 'it is not about a customer');
  } finally {
    await server.stop();
  }
});
