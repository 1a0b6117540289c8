/** Log files of our own: opened so that nobody who puts something else at their path can hold us or lead us elsewhere. */
import fs, { constants } from 'node:fs';

type Opened = (error: NodeJS.ErrnoException | null, fd: number) => void;

const FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOFOLLOW;
const MODE = 0o600;
const NEWLINE = Buffer.from('\n');

/**
 * As `fs.open` of a stream that appends: a regular file, made when there is none, no symbolic link. One that ends inside a line,
 * since its last writer was killed, gets a newline first.
 */
export function openAppending(path: fs.PathLike, _flags: unknown, _mode: unknown, opened: Opened): void {
  fs.open(path, FLAGS, MODE, (error, fd) => {
    if (error !== null) return opened(error, -1);
    try {
      const stat = fs.fstatSync(fd);
      if (!stat.isFile()) throw Object.assign(new Error('it is no regular file'), { code: 'EINVAL' });
      const last = Buffer.alloc(1);
      const torn = stat.size > 0 && fs.readSync(fd, last, 0, 1, stat.size - 1) === 1 && !last.equals(NEWLINE);
      if (torn) fs.writeSync(fd, NEWLINE);
      return opened(null, fd);
    } catch (problem) {
      fs.closeSync(fd);
      return opened(problem as NodeJS.ErrnoException, -1);
    }
  });
}
