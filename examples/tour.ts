/**
 * The cache at work, in one view (`npm start`): what happened to each request, why, how long it took and how much of it
 * came from the origin. `npm start -- https://some.url …` does the same with your URLs. The exit code is not 0 when
 * anything was not as it ought to be.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tourOfTheCache } from './tour/embedded.ts'
import { tourOfYourUrls } from './tour/your-urls.ts'

const urls = process.argv.slice(2)
const directory = await mkdtemp(join(tmpdir(), 'usc-tour-'))
try {
  const problems = urls.length === 0 ? await tourOfTheCache(directory) : await tourOfYourUrls(directory, urls)
  console.log(problems.length === 0 ? '\nAll as expected.' : `\nNot as expected:\n  ${problems.join('\n  ')}`)
  if (problems.length > 0) process.exitCode = 1
} finally {
  await rm(directory, { recursive: true, force: true })
}
