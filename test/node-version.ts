/** Asserts that Node 24 runs us: the project brings its own (node_modules/.bin/node); an older one would fail later and less clearly. */
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `fourlane needs Node 24, found ${process.version} at ${process.execPath}. Run it through npm (npm start, npm cit): npm puts node_modules/.bin/node first in PATH.`,
  );
  process.exit(1);
}
