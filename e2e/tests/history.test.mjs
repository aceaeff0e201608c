// A long history: the page asks for, and shows, only the newest models, and any older one by its number.

import assert from 'node:assert/strict';
import { StubServer, lineModel } from './stub.mjs';
import { browserTest, facts } from './support.mjs';

const HISTORY = 1000;
const LISTED = 100;

const history = () => [
  ...Array.from({ length: HISTORY }, (_, n) => lineModel('product', n + 1)),
  lineModel('product', 'all'),
  lineModel('product', 'live'),
];

const values = (select) =>
  select.locator('option').evaluateAll((options) => options.map((option) => option.value));

/** Numbers from the first down to the last. */
const descending = (first, last) =>
  Array.from({ length: first - last + 1 }, (_, n) => String(first - n));

browserTest('the newest models are listed, an older one is shown by its number', async (t, page) => {
  const stub = await StubServer.start(t, { models: history() });
  await page.goto(`${stub.url}/clusters?entity=product`);
  await facts(page, 'line', 'product', HISTORY).waitFor();
  const model = page.getByLabel('Model', { exact: true });
  const newest = descending(HISTORY, HISTORY - LISTED + 1);
  const aliases = ['latest', 'champion', 'all', 'live'];
  assert.deepEqual(await values(model), [...aliases, ...newest, 'older']);

  await model.selectOption('older');
  const number = page.getByLabel('Number of an older model');
  await number.waitFor();
  assert.ok(await number.evaluate((input) => input === document.activeElement), 'focus');
  await number.fill('none');
  await number.press('Enter');
  await page.getByText('Enter a model number, from 1.').waitFor();
  await number.fill('7');
  await number.press('Enter');
  await facts(page, 'line', 'product', 7).waitFor();
  await number.waitFor({ state: 'detached' });
  assert.equal(await model.inputValue(), '7');
  assert.deepEqual(await values(model), [...aliases, ...newest, '7', 'older']);
  assert.equal(new URL(page.url()).searchParams.get('model'), '7');

  // It is compared with the one before it, or with any other.
  const matrix = (from, to) =>
    page.locator(`[data-testid="migration"][data-from="${from}"][data-to="${to}"]`);
  await matrix(6, 7).waitFor();
  await page.getByLabel('Compare with').selectOption('older');
  await page.getByTestId('compare-number').fill('42');
  await page.getByTestId('compare-number-select').click();
  await matrix(7, 42).waitFor();

  // A number without a model is answered, and leads back.
  await model.selectOption('older');
  await number.fill('5000');
  await page.getByTestId('model-number-select').click();
  await page.getByTestId('error').filter({ hasText: 'Model not found' }).waitFor();
  await model.selectOption('older');
  await number.press('Escape');
  await number.waitFor({ state: 'detached' });
  assert.equal(await model.inputValue(), '5000');
  await model.selectOption('latest');
  await facts(page, 'line', 'product', HISTORY).waitFor();
});

browserTest('the form asks an older model too', async (t, page) => {
  const stub = await StubServer.start(t, { models: history() });
  await page.goto(`${stub.url}/predict?entity=product`);
  const model = page.getByLabel('Model', { exact: true });
  await model.selectOption('older');
  const number = page.getByLabel('Number of an older model');
  await number.fill('12');
  // Enter belongs to the field; the form is not sent.
  await number.press('Enter');
  await number.waitFor({ state: 'detached' });
  assert.equal(await model.inputValue(), '12');
  assert.equal((await page.getByTestId('id-error').textContent()).trim(), '');
});

browserTest('no request for a list is without a limit', async (t, page) => {
  const stub = await StubServer.start(t, { models: history() });
  await page.goto(stub.url);
  await page.getByTestId('no-batches').waitFor();
  await page.getByTestId('segments').getByText(`model ${HISTORY}`).waitFor();
  await page.goto(`${stub.url}/clusters?entity=product`);
  await facts(page, 'line', 'product', HISTORY).waitFor();
  await page.goto(`${stub.url}/predict?entity=product`);
  const newest = page.getByLabel('Model', { exact: true }).locator(`option[value="${HISTORY}"]`);
  await newest.waitFor({ state: 'attached' });
  const lists = stub.requests.filter((path) => /^\/api\/v1\/(models|batches)(\?|$)/.test(path));
  assert.ok(lists.length >= 4, lists.join('\n'));
  for (const path of lists) {
    const limit = Number(new URL(path, stub.url).searchParams.get('limit'));
    assert.ok(limit >= 1 && limit <= LISTED, path);
  }
});

browserTest('a short history has no older models', async (t, page) => {
  const models = [1, 2, 3].map((number) => lineModel('customer', number));
  const stub = await StubServer.start(t, { models });
  await page.goto(`${stub.url}/clusters`);
  await facts(page, 'line', 'customer', 3).waitFor();
  const model = page.getByLabel('Model', { exact: true });
  assert.deepEqual(await values(model), ['latest', 'champion', 'all', 'live', '3', '2', '1']);
});
