#!/usr/bin/env -S node --max-semi-space-size=4
/** What is started: says where compiled code is kept, before anything is compiled, and runs `main.ts`, as built if it was. */
import './node-version.mjs';
import { builtOr } from '../build/built.mjs';
import { keepCompiled } from '../sys/compiled.mjs';

keepCompiled();
await import(builtOr('main.js', 'src/cli/main.ts'));
