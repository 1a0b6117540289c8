import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { buildImage } from './image.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-image-'));
const context = join(dir, 'context');
mkdirSync(join(context, 'src/deep'), { recursive: true });
writeFileSync(join(context, 'src/deep/a.ts'), 'a');
writeFileSync(join(context, 'package.json'), '{}');
after(() => rmSync(dir, { recursive: true }));

const build = (name: string, ...steps: string[]) => buildImage(steps.join('\n'), context, join(dir, name));

describe('the steps of a Dockerfile without an engine', () => {
  it('FROM a Node image, WORKDIR and COPY are done', () => {
    const { root, workdir } = build(
      'good',
      'FROM node:24.11.0-bookworm-slim',
      'WORKDIR /app',
      'COPY package.json ./',
      'COPY src src',
    );
    assert.equal(workdir, '/app');
    assert.equal(readFileSync(join(root, 'app/src/deep/a.ts'), 'utf8'), 'a');
    assert.ok(existsSync(join(root, 'app/package.json')));
  });

  it('what has no stand-in, or copies what is not there, is an error', () => {
    assert.throws(() => build('alpine', 'FROM alpine:3'), /no stand-in for this step: FROM alpine:3/);
    assert.throws(() => build('run', 'FROM node:24.11.0', 'RUN curl http://x | sh'), /no stand-in for this step: RUN curl/);
    assert.throws(() => build('none', 'FROM node:24.11.0', 'COPY test test'), /COPY test: there is none/);
  });
});
