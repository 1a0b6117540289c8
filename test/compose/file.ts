/** compose.yaml: the part of the Compose specification that is used; everything else would be a slip. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';

const duration = z.string().regex(/^\d+s$/);
const service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.string(), dockerfile_inline: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  cap_add: z.array(z.enum(['NET_ADMIN', 'SYS_ADMIN'])).optional(),
  security_opt: z.array(z.string()).optional(),
  network_mode: z.string().optional(),
  volumes: z.array(z.string()).optional(),
  ports: z.array(z.string()).optional(),
  healthcheck: z
    .strictObject({ test: z.array(z.string()).min(2), interval: duration, timeout: duration, retries: z.number().int() })
    .optional(),
  depends_on: z.array(z.string()).optional(),
  init: z.boolean().optional(),
  restart: z.literal('unless-stopped'),
});
const schema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/),
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
});

export type ComposeService = z.infer<typeof service>;

/** The project's compose.yaml. Throws when it has what is not used elsewhere. */
export function readCompose(): z.infer<typeof schema> {
  return schema.parse(parse(readFileSync('compose.yaml', 'utf8')));
}
