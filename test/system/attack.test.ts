/** The short form of `npm run attack`: hostile real servers beside good ones. Needs root. */
import { attackTests } from './attacks.ts';

attackTests(['regex', 'tls', 'http', 'tcp', 'udp', 'ping', 'exec']);
