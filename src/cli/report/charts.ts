/** The report's pictures, of boxes placed in per cent: they keep their letters readable at any width, without a script. */
import { counted, humanSize } from '../units.ts'
import type { Bin } from './bins.ts'
import type { Folder, Point } from './data.ts'
import type { Column } from './history.ts'
import { html, type Html } from './html.ts'
import { squarified, type Box } from './treemap.ts'

/** Heights for a width of 100 at which the map is laid out: a screen's, and a phone's. */
const WIDE: Box = { x: 0, y: 0, width: 100, height: 39 }
const NARROW: Box = { x: 0, y: 0, width: 100, height: 165 }
/** Hues far from each other, whatever their number. */
const HUE_STEP = 137.5
const FIRST_HUE = 225

/** Requests that the index tells apart. */
const MOST_FREQUENT = 64

export function treemap(folders: readonly Folder[]): Html {
  return html`${mapOf(folders, WIDE, 'wide')}${mapOf(folders, NARROW, 'narrow')}`
}

function mapOf(folders: readonly Folder[], area: Box, name: string): Html {
  const boxes = squarified(
    folders.map(({ size }) => size),
    area,
  )
  const origins = folders.map((folder, i) => originOf(folder, boxes[i] as Box, area, i))
  return html`<div class="map ${name}" role="img" aria-label="Treemap of origins and paths by bytes on disk">
    ${origins}
  </div>`
}

function originOf(folder: Folder, box: Box, area: Box, index: number): Html {
  const parts = folder.parts.length > 0 ? folder.parts : [{ ...folder, name: '' }]
  const within: Box = { ...box, x: 0, y: 0 }
  const inner = squarified(
    parts.map(({ size }) => size),
    within,
  )
  const hue = ((FIRST_HUE + index * HUE_STEP) % 360).toFixed(0)
  const tiles = parts.map(
    (part, i) =>
      html`<div class="part" style="${place(inner[i] as Box, within)}" title="${titleOf(folder, part)}">
        <span>${part.name || humanSize(part.size)}</span><span>${part.name === '' ? '' : humanSize(part.size)}</span>
      </div>`,
  )
  return html`<div class="origin" style="${place(box, area)};--hue:${hue}">
    <b title="${titleOf(folder, folder)}">${hostOf(folder.name)}</b>
    <div class="parts">${tiles}</div>
  </div>`
}

function titleOf(folder: Folder, part: Folder): string {
  const name = part === folder || part.name === '' ? folder.name : `${folder.name}${part.name}`
  return `${name}: ${humanSize(part.size)}, ${counted(part.entries, 'entry', 'entries')}`
}

function hostOf(origin: string): string {
  return origin.replace(/^https:\/\//, '')
}

function place(box: Box, area: Box): string {
  const share = (value: number, of: number) => `${((100 * value) / Math.max(of, Number.MIN_VALUE)).toFixed(3)}%`
  return [
    `left:${share(box.x - area.x, area.width)}`,
    `top:${share(box.y - area.y, area.height)}`,
    `width:${share(box.width, area.width)}`,
    `height:${share(box.height, area.height)}`,
  ].join(';')
}

/** A histogram: of each bin the share of entries, and below it that of bytes. */
export function bars(bins: readonly Bin[]): Html {
  const entries = bins.reduce((sum, bin) => sum + bin.entries, 0)
  const bytes = bins.reduce((sum, bin) => sum + bin.bytes, 0)
  const most = Math.max(...bins.map((bin) => Math.max(shareOf(bin.entries, entries), shareOf(bin.bytes, bytes))), 0.01)
  const rows = bins.map(
    (bin) =>
      html`<span>${bin.label}</span>
        <div class="track" title="${counted(bin.entries, 'entry', 'entries')}, ${humanSize(bin.bytes)}">
          <div class="bar" style="width:${percent(shareOf(bin.entries, entries) / most)}"></div>
          <div class="bar" style="width:${percent(shareOf(bin.bytes, bytes) / most)}"></div>
        </div>
        <span class="value">${bin.entries} · ${humanSize(bin.bytes)}</span>`,
  )
  return html`<div class="key">
      <span><i style="background:var(--main)"></i>share of entries</span
      ><span><i style="background:var(--other)"></i>share of bytes</span>
    </div>
    <div class="bars">${rows}</div>`
}

/** How often entries are asked for, against their size. */
export function plot(points: readonly Point[]): Html {
  const largest = Math.max(...points.map(({ size }) => size), 4096)
  const least = Math.min(...points.map(({ size }) => size), largest)
  const from = Math.floor(Math.log2(least))
  const to = Math.max(from + 1, Math.ceil(Math.log2(largest)))
  const x = (size: number) => percent((Math.log2(size) - from) / (to - from))
  const top = Math.min(MOST_FREQUENT, Math.max(4, ...points.map(({ frequency }) => frequency + 1)))
  // Small numbers are most of them: a root gives them room.
  const y = (frequency: number) => percent(Math.sqrt(frequency / top))
  const dots = points.map(
    ({ key, size, frequency, region, isNext }) =>
      html`<i
        class="dot ${isNext ? 'next' : region}"
        style="left:${x(size)};bottom:${y(frequency)}"
        title="${key}: ${humanSize(size)}, asked for ${counted(frequency, 'time')}"
      ></i>`,
  )
  const step = Math.max(1, Math.ceil((to - from) / 5))
  const columns = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => 2 ** (from + i * step))
  const lines = [1, 4, 16, 63].filter((frequency) => frequency < top)
  return html`<div class="plot">
    ${lines.map((line) => html`<div class="grid" style="bottom:${y(line)}"></div>`)}${lines.map((line) => html`<span class="tick y" style="bottom:${y(line)}">${line}</span>`)}${columns.map((size) => html`<span class="tick x" style="left:${x(size)}">${humanSize(size).replace(/\.0+ /, ' ')}</span>`)}${dots}
  </div>`
}

/** A column for each stretch of time: as high as its hit ratio, as strong as there were requests. */
export function ratios(columns: readonly Column[]): Html {
  const most = Math.max(...columns.map(({ hits, misses }) => hits + misses), 1)
  const boxes = columns.map(({ from, hits, misses }) => {
    const all = hits + misses
    const opacity = all === 0 ? 0 : 0.35 + 0.65 * (all / most)
    const title = `${from.slice(0, 16).replace('T', ' ')}: ${Math.round(hits)} of ${counted(Math.round(all), 'request')}`
    return html`<i style="height:${percent(shareOf(hits, all))};opacity:${opacity.toFixed(2)}" title="${title}"></i>`
  })
  const lines = [25, 50, 75, 100]
  return html`<div class="ratios" role="img" aria-label="Hit ratio over time">
    ${lines.map((line) => html`<div class="grid" style="bottom:${line}%"></div>`)}${lines.map((line) => html`<span class="tick y" style="bottom:${line}%">${line} %</span>`)}
    <div class="columns">${boxes}</div>
  </div>`
}

function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)}%`
}
