/** Every attack, in the order of the table. */
import type { Scenario } from '../scenario.ts';
import { exec } from './exec.ts';
import { fuzz } from './fuzz.ts';
import { http } from './http.ts';
import { local } from './local.ts';
import { readers } from './readers.ts';
import { regex } from './regex.ts';
import { tls } from './tls.ts';
import { transports } from './transports.ts';

export const scenarios: readonly Scenario[] = [...regex, ...tls, ...http, ...transports, ...exec, ...readers, ...local, ...fuzz];
