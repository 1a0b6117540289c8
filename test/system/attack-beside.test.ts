/** The short form of `npm run attack`: readers, local users, bytes that are nearly right. Needs root. */
import { attackTests } from './attacks.ts';

attackTests(['readers', 'local', 'fuzz']);
