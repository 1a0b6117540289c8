/**
 * Asserts that Node 24 runs us: the project brings its own (node_modules/.bin/node). JavaScript, since an older Node refuses a
 * .ts file before it could say why; what is imported beside it has to be linked by that Node too.
 */
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `fourlane needs Node 24, found ${process.version} at ${process.execPath}. Run it through npm (npm start, npm cit): ` +
      'npm puts node_modules/.bin/node first in PATH; or start it with that one.',
  );
  process.exit(1);
}
