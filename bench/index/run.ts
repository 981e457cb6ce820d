/** The three tables of the index, one after the other: hit ratio on traces, time, memory. `npm run bench:index`. */
import { benchHitRatio } from './hit-ratio.ts'
import { benchMemory } from './memory.ts'
import { benchTime } from './time.ts'

benchHitRatio()
benchTime([100_000, 1_000_000])
benchMemory(1_000_000)
