/** All tables of the index, one after the other. `npm run bench:index`. */
import { benchAdversary } from './adversary.ts'
import { benchHitRatio } from './hit-ratio.ts'
import { benchMemory } from './memory.ts'
import { benchPauses } from './pauses.ts'
import { benchTime } from './time.ts'

benchHitRatio()
benchTime([100_000, 1_000_000])
benchMemory(1_000_000)
benchPauses()
benchAdversary()
