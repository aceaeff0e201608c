// A real server and a real browser for the tests, and conditions to wait for.
//
// TILLSTREAM_BIN       the server (default: target/debug/tillstream)
// TILLSTREAM_PAGE      the built page (default: dist)
// TILLSTREAM_CHROMIUM  the browser (default: /usr/bin/chromium)

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const TARGET = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, 'target');
const BIN = path.resolve(process.env.TILLSTREAM_BIN ?? path.join(TARGET, 'debug/tillstream'));
/** The folder of the built page. */
export const PAGE = path.resolve(process.env.TILLSTREAM_PAGE ?? path.join(ROOT, 'dist'));
const CHROMIUM = process.env.TILLSTREAM_CHROMIUM ?? '/usr/bin/chromium';
const SHOTS = path.join(ROOT, 'e2e/screenshots');

/** How long anything may take before it counts as not happening. The machine may be busy. */
export const DEADLINE = 60_000;

function require(what, file, how) {
  if (!existsSync(file)) throw new Error(`the ${what} is not at ${file}: run \`${how}\` first`);
}

require('page', path.join(PAGE, 'index.html'), 'trunk build');
require('browser', CHROMIUM, 'apt-get install chromium');

function within(promise, milliseconds, message) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(message())), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A running `tillstream up`. */
export class Server {
  #child;
  #exited;
  #output = '';

  /** Starts one and waits until it says where its page is. */
  static async start({ dataDir, port = 0, flags = ['--rate', '2000', '--batch-size', '1000'] }) {
    require('server', BIN, 'cargo build');
    const server = new Server();
    const args = ['up', '--data-dir', dataDir, '--listen', `127.0.0.1:${port}`, '--page', PAGE];
    const child = spawn(BIN, [...args, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    server.#child = child;
    server.#exited = new Promise((resolve) => {
      child.once('error', (error) => resolve(`not started: ${error.message}`));
      child.once('exit', (code, signal) => resolve(code ?? signal));
    });
    const told = new Promise((resolve) => {
      const read = (chunk) => {
        server.#output += chunk;
        const found = server.#output.match(/http:\/\/127\.0\.0\.1:(\d+)/);
        if (found) resolve(Number(found[1]));
      };
      child.stdout.setEncoding('utf8').on('data', read);
      child.stderr.setEncoding('utf8').on('data', read);
    });
    const ended = server.#exited.then((code) => {
      throw new Error(`the server ended (${code}) before it was up:\n${server.#output}`);
    });
    try {
      const message = () => `the server did not say where its page is:\n${server.#output}`;
      server.port = await within(Promise.race([told, ended]), DEADLINE, message);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
    // Whoever waits for the end later asks again.
    ended.catch(() => {});
    server.url = `http://127.0.0.1:${server.port}`;
    return server;
  }

  /** Ends it as Ctrl-C does, and checks that it ended well. */
  async stop() {
    this.#child.kill('SIGINT');
    const message = () => `the server did not stop:\n${this.#output}`;
    const code = await within(this.#exited, DEADLINE, message).catch((error) => {
      this.#child.kill('SIGKILL');
      throw error;
    });
    assert.equal(code, 0, `exit code of the server; it said:\n${this.#output}`);
  }
}

/** A folder for a server's data, removed at the end of the test `t`. */
export async function dataDir(t) {
  const dir = await mkdtemp(path.join(tmpdir(), 'tillstream-e2e-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/**
 * A test with a browser page. Fails when the page's program panics or logs an error; what the browser
 * itself says about connections is not counted.
 */
export function browserTest(name, body) {
  test(name, { timeout: 4 * DEADLINE }, async (t) => {
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      page.setDefaultTimeout(DEADLINE);
      const complaints = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        const own = !/Failed to load resource|net::ERR_/.test(message.text());
        if (message.type() === 'error' && own) complaints.push(message.text());
      });
      try {
        await body(t, page);
      } catch (error) {
        mkdirSync(SHOTS, { recursive: true });
        const file = path.join(SHOTS, `${name.replace(/\W+/g, '-')}.png`);
        await page.screenshot({ path: file, fullPage: true }).catch(() => {});
        error.message += `\n(the page as it was: ${file})`;
        throw error;
      }
      assert.deepEqual(complaints, [], 'complaints of the page');
    } finally {
      await browser.close();
    }
  });
}

/** The raw number behind a count of the overview. */
export async function count(page, testid) {
  return Number(await page.getByTestId(testid).getAttribute('data-value'));
}

/** Waits until a count of the overview is above `floor`, and returns it. */
export async function countAbove(page, testid, floor) {
  const passed = ([id, floor]) => {
    const element = document.querySelector(`[data-testid="${id}"]`);
    return Number(element?.dataset.value ?? NaN) > floor;
  };
  await page.waitForFunction(passed, [testid, floor]);
  return count(page, testid);
}

/** Waits until the page is connected. */
export async function connected(page) {
  await page.locator('[data-testid="connection"][data-state="open"]').waitFor();
}

/**
 * Waits until at least `least` numbered models of a kind and entity are there, and returns the numbers
 * of the newest, ascending.
 */
export async function trained(page, server, kind, entity, least = 1) {
  const end = Date.now() + DEADLINE;
  while (Date.now() < end) {
    const { models } = await api(page, server, `/models?kind=${kind}&entity=${entity}`);
    const numbers = models.map((model) => model.number).filter(Number.isInteger);
    if (numbers.length >= least) return numbers;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`there are not ${least} ${kind} models of a ${entity}`);
}

/** What the API answers under a path below `/api/v1`. */
export async function api(page, server, path) {
  const response = await page.request.get(`${server.url}/api/v1${path}`);
  assert.ok(response.ok(), `${path}: ${response.status()} ${await response.text()}`);
  return response.json();
}

/** The facts of the model that is shown. */
export const facts = (page, kind, entity, model) =>
  page.locator(
    `[data-testid="model-facts"][data-kind="${kind}"][data-entity="${entity}"][data-model="${model}"]`,
  );
