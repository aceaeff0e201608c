// A server of canned answers, for states that are not easily brought about in a real one.

import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { PAGE } from './support.mjs';

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

const TIME = '2026-11-24T12:00:00Z';

/** A status as the server reports it; `changes` replaces fields. */
export const status = (changes = {}) => ({
  version: '0.1.0',
  started_at: TIME,
  components: [],
  input_lines: null,
  lines_read: 0,
  lines_sent: 0,
  lines_stored: 0,
  lines_open: 0,
  dead_letters: 0,
  repeated: 0,
  empty: 0,
  rejects: 0,
  batches: 0,
  models: 0,
  lag: 0,
  lag_seconds: 0,
  partition_count: 0,
  partitions: [],
  rates: null,
  last_batch: null,
  gaps: [],
  notices: [],
  ...changes,
});

/** A line model of three clusters; `changes` replaces fields. */
export const lineModel = (entity, number, changes = {}) => ({
  format_version: 1,
  kind: 'line',
  entity,
  number,
  batch: Number.isInteger(number) ? number : 1000,
  features: ['Quantity', 'UnitPrice'],
  preprocessing: {
    kind: 'raw',
    filter: 'all',
    transform: 'identity',
    scaling: 'none',
    means: [0, 0],
    scales: [1, 1],
  },
  k: 3,
  seed: 1,
  restarts: 10,
  centroids: [[1, 1], [10, 2], [50, 5]],
  model_centroids: [[1, 1], [10, 2], [50, 5]],
  sizes: [6, 3, 1],
  mean_values: [1, 20, 250],
  sse: 4.5,
  iterations: 7,
  funnel: { lines: 10, without_id: 0, returns: 0, unpriced: 0, kept: 10 },
  offsets: [],
  clusters: [1, 2, 3].map((cluster) => ({
    number: cluster,
    identity: cluster,
    name: { en: `name ${cluster}`, id: `nama ${cluster}` },
    sentence: { en: `Sentence ${cluster}.`, id: `Kalimat ${cluster}.` },
  })),
  previous: number > 1 ? number - 1 : null,
  identities: 3,
  transitions: [],
  trained_at: TIME,
  ...changes,
});

const summary = ({ kind, entity, number, batch, preprocessing, k, sizes, sse, trained_at }) => ({
  kind,
  entity,
  number,
  batch,
  preprocessing: preprocessing.kind,
  k,
  sizes,
  sse,
  silhouette: null,
  trained_at,
});

const points = {
  quantity: [1, 10, 50],
  unit_price: [1, 2, 5],
  weight: [6, 3, 1],
  cluster: [1, 2, 3],
};

const ALIASES = ['all', 'live'];
const MAX_LIMIT = 1000;

/** Serves the page and, from its data, the API. */
export class StubServer {
  /** What `GET /status` and the event stream answer. */
  status;
  /** The models: of each kind and entity the numbered ones ascending, then `all` and `live`. */
  models;
  /** Paths and queries of the requests to the API. */
  requests = [];
  #server;
  #streams = new Set();

  static async start(t, { status: now = status(), models = [] }) {
    const stub = new StubServer();
    stub.status = now;
    stub.models = models;
    stub.#server = createServer((request, response) => stub.#answer(request, response));
    await new Promise((resolve) => stub.#server.listen(0, '127.0.0.1', resolve));
    stub.url = `http://127.0.0.1:${stub.#server.address().port}`;
    t.after(() => {
      stub.#server.closeAllConnections();
      return new Promise((resolve) => stub.#server.close(resolve));
    });
    return stub;
  }

  /** Sends the status to every page that is open, as after a change. */
  sendStatus() {
    this.#streams.forEach((response) => this.#write(response));
  }

  #write(response) {
    const event = { event: 'status', ...this.status };
    response.write(`event: status\ndata: ${JSON.stringify(event)}\n\n`);
  }

  #answer(request, response) {
    const url = new URL(request.url, this.url);
    if (!url.pathname.startsWith('/api/v1/')) return this.#file(url.pathname, response);
    this.requests.push(url.pathname + url.search);
    if (url.pathname === '/api/v1/events') {
      // The stream stays open, as the real one does.
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      this.#streams.add(response);
      response.on('close', () => this.#streams.delete(response));
      return this.#write(response);
    }
    const json = this.#api(url.pathname.slice('/api/v1/'.length).split('/'), url.searchParams);
    response.writeHead(json ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(json ?? { error: 'Model not found' }));
  }

  #api([resource, entity, number, below, to], query) {
    if (resource === 'status') return this.status;
    if (resource === 'batches') return { batches: [], total: 0 };
    if (resource === 'champions') return { champions: [] };
    if (resource !== 'models') return undefined;
    if (!entity) return this.#list(query);
    const find = (number) => this.#find(query.get('kind') ?? 'line', entity, number);
    const model = find(number);
    if (!model || !below) return model;
    if (below === 'points') return points;
    const later = find(to);
    if (below !== 'migration' || !later) return undefined;
    return {
      kind: model.kind,
      entity,
      from: model.number,
      to: later.number,
      counts: [[6, 0, 0], [0, 3, 0], [0, 0, 1]],
      arrived: [0, 0, 0],
      left: [0, 0, 0],
    };
  }

  #list(query) {
    const wanted = (field, model) => !query.has(field) || query.get(field) === model[field];
    const own = this.models.filter((model) => wanted('kind', model) && wanted('entity', model));
    const limit = Math.min(Number(query.get('limit') ?? 100), MAX_LIMIT);
    const before = Number(query.get('before') ?? Infinity);
    const row = (model) => `${model.kind} ${model.entity}`;
    const models = [...new Set(own.map(row))].flatMap((name) => {
      const models = own.filter((model) => row(model) === name);
      const numbered = models.filter((model) => model.number < before);
      return [
        ...numbered.slice(-limit),
        ...models.filter((model) => ALIASES.includes(model.number)),
      ];
    });
    return { models: models.map(summary), total: own.length, unusable: [] };
  }

  #find(kind, entity, number) {
    const own = this.models.filter((model) => model.kind === kind && model.entity === entity);
    if (number === 'latest') return own.findLast((model) => Number.isInteger(model.number));
    return own.find((model) => String(model.number) === number);
  }

  #file(pathname, response) {
    const file = path.join(PAGE, path.normalize(pathname));
    const found = path.extname(file) && existsSync(file) ? file : path.join(PAGE, 'index.html');
    response.writeHead(200, { 'content-type': TYPES[path.extname(found)] });
    createReadStream(found).pipe(response);
  }
}
