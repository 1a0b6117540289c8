/** What a server shows of the synchronisation of kernel LVS at `/api/v1/sync`: its agent writes it, that of its peer reads it. */
import * as z from 'zod';

const name = z.string().max(256);

export const syncAnswer = z.object({
  /** Name of the server. */
  server: name,
  /** Daemons that run; syncids as text. */
  daemons: z.array(z.object({ role: z.enum(['master', 'backup']), syncId: name })).max(16),
  /** Datagrams dropped at the sockets of its daemons since they were started. */
  dropped: z.number().nonnegative(),
  /** Established connections; `active` in the order of `realServers`. Connections that came by synchronisation count. */
  services: z.array(z.object({ service: name, realServers: z.array(name), active: z.array(z.number().nonnegative()) })),
});
export type SyncAnswer = z.output<typeof syncAnswer>;
