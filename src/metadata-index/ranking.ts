/** What is held in the order in which it would go, for those who want to see it. */
import { EXPIRED, MAIN, WINDOW, type Regions } from './regions.ts'
import type { SlotTable } from './slot-table.ts'

export type RegionName = 'expired' | 'main' | 'window'

/** What an entry's stay depends on. */
export interface Standing {
  readonly slot: number
  readonly region: RegionName
  readonly frequency: number
}

/** In the order in which they are asked for a place. */
const RANKED = [
  { region: EXPIRED, name: 'expired' },
  { region: MAIN, name: 'main' },
  { region: WINDOW, name: 'window' },
] as const

export function rankingOf(regions: Regions, table: SlotTable): Standing[] {
  const ranking: Standing[] = []
  for (const { region, name } of RANKED) {
    regions.startWalk(region)
    for (let slot = regions.walk(region); slot !== 0; slot = regions.walk(region))
      ranking.push({ slot, region: name, frequency: table.frequency(slot) })
  }
  return ranking
}
