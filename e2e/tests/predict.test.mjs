// The three forms.

import assert from 'node:assert/strict';
import { Server, browserTest, countAbove, dataDir, trained } from './support.mjs';

const FORMS = [
  { entity: 'customer', label: 'CustomerID', id: '17850' },
  { entity: 'product', label: 'StockCode', id: '85123A' },
  { entity: 'country', label: 'Country', id: 'United Kingdom' },
];

/** Waits on the overview until models of all entities are there, then opens the form. */
async function openForm(page, server) {
  await page.goto(server.url);
  await countAbove(page, 'count-models', 5);
  await page.getByTestId('nav-predict').click();
}

browserTest('each form gives a cluster', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    await openForm(page, server);
    for (const { entity, label, id } of FORMS) {
      await page.getByTestId(`entity-${entity}`).check();
      await page.getByRole('textbox', { name: label, exact: true }).fill(id);
      await page.getByLabel('Quantity', { exact: true }).fill('10');
      await page.getByLabel('UnitPrice', { exact: true }).fill('5.0');
      await page.getByLabel('Model', { exact: true }).selectOption('1');
      await page.getByTestId('predict').click();

      const result = page.locator(`[data-testid="result"][data-entity="${entity}"]`);
      await result.waitFor();
      const cluster = Number(await result.getAttribute('data-cluster'));
      assert.ok([1, 2, 3].includes(cluster), `cluster ${cluster} of a ${entity}`);
      assert.equal(await page.getByTestId('result-cluster').textContent(), `Cluster ${cluster}`);
      const description = await page.getByTestId('result-description').textContent();
      assert.match(description, new RegExp(`^(Low|Medium|High)-value ${entity} line$`));
      assert.equal(await page.getByTestId('result-model').textContent(), `${entity} model 1`);
      assert.ok((await result.textContent()).includes(id), 'the identifier is shown');
      assert.equal(await page.getByTestId('distances').locator('li').count(), 3);

      // The page shows what the server answers, not something of its own.
      const response = await page.request.post(`${server.url}/api/v1/predict`, {
        data: { entity, id, quantity: 10, unit_price: 5, model: 1 },
      });
      const answer = await response.json();
      assert.equal(answer.cluster, cluster);
      assert.equal(await page.getByTestId('result-name').textContent(), answer.name.en);
      const identity = await page.getByTestId('result-identity').textContent();
      assert.equal(Number(identity), answer.identity);
    }
  } finally {
    await server.stop();
  }
});

browserTest('every alias answers with the model that it stands for', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    await openForm(page, server);
    await trained(page, server, 'line', 'customer', 2);
    await page.request.post(`${server.url}/api/v1/champions/customer`, { data: { promote: 2 } });
    await page.getByTestId('example').click();
    const answered = { all: 'model of every batch', live: 'live model', champion: 'model 2' };
    for (const [alias, name] of Object.entries(answered)) {
      await page.getByLabel('Model', { exact: true }).selectOption(alias);
      await page.getByTestId('predict').click();
      const model = page.getByTestId('result-model').filter({ hasText: `customer ${name}` });
      await model.waitFor();
    }
  } finally {
    await server.stop();
  }
});

browserTest('a wrong field says so beside itself', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    await openForm(page, server);
    const posts = [];
    page.on('request', (request) => request.method() === 'POST' && posts.push(request.url()));
    const error = (field) => page.getByTestId(`${field}-error`);
    const shows = (field, text) => error(field).filter({ hasText: text }).waitFor();

    // Nothing is wrong before anything was typed or sent.
    assert.equal((await error('id').textContent()).trim(), '');
    await page.getByTestId('predict').click();
    await shows('id', 'Enter a CustomerID.');
    await shows('quantity', 'Enter a Quantity.');
    await shows('unit-price', 'Enter a UnitPrice.');
    const id = page.getByTestId('id');
    assert.equal(await id.getAttribute('aria-invalid'), 'true');
    assert.match(await id.getAttribute('aria-describedby'), /\bid-error\b/);
    assert.ok(await id.evaluate((input) => input === document.activeElement), 'focus');

    await id.fill('17a');
    await shows('id', 'A CustomerID has digits only.');
    await id.fill('17850');
    await page.locator('[data-testid="id"][aria-invalid="false"]').waitFor();
    await page.getByTestId('quantity').fill('ten');
    await shows('quantity', 'Quantity must be a number.');
    await page.getByTestId('quantity').fill('-1');
    await shows('quantity', 'Quantity must be above zero: the model was trained on sales only.');
    await page.getByTestId('unit-price').fill('2,55');
    await shows('unit-price', 'UnitPrice takes a point for decimals');
    await page.getByTestId('predict').click();
    assert.deepEqual(posts, [], 'a form with errors is not sent');

    // Put right, it is.
    await page.getByTestId('quantity').fill('1');
    await page.getByTestId('unit-price').fill('2.55');
    await page.getByTestId('predict').click();
    await page.getByTestId('result').waitFor();
  } finally {
    await server.stop();
  }
});

browserTest('what the server says against a request is shown', async (t, page) => {
  const server = await Server.start({ dataDir: await dataDir(t) });
  try {
    await page.goto(`${server.url}/predict?entity=product&model=999999`);
    await page.getByTestId('example').click();
    await page.getByTestId('predict').click();
    await page.getByTestId('predict-error').filter({ hasText: 'Model not found' }).waitFor();
    assert.equal(await page.getByTestId('result').count(), 0);
  } finally {
    await server.stop();
  }
});
