/** Says plainly that an older Node runs, where a syntax error would say nothing. Runs on any Node. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const isSupported = (major === 22 && minor >= 22) || (major === 24 && minor >= 15) || major >= 26
if (!isSupported) {
  console.error(`This package needs Node ^22.22.2 || ^24.15.0 || >=26.0.0; this is ${process.version}.`)
  console.error('Run it by npm scripts or `npm exec -- node`: they find the Node that `npm ci` has installed here.')
  process.exit(1)
}
