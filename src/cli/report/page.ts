/** The page: one file, nothing loaded from anywhere, and no script allowed but its own. */
import { createHash } from 'node:crypto'
import { PACKAGE_NAME } from '../../diagnostics.ts'
import { visible } from '../redaction.ts'
import { counted, humanCount, humanDuration, humanSize } from '../units.ts'
import { describeState } from '../views.ts'
import { bars, plot, ratios, treemap } from './charts.ts'
import type { Point, ReportData, Row } from './data.ts'
import type { HistoryView } from './history.ts'
import { html, Html, jsonForScript } from './html.ts'
import { SCRIPT } from './script.ts'
import { STYLE } from './style.ts'

/** Of what would go next, so many are named. */
const NAMED = 8

export function page(data: ReportData): string {
  const hash = createHash('sha256').update(SCRIPT).digest('base64')
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>Cache report: ${data.directory}</title>
        ${element('style', STYLE)}
      </head>
      <body>
        <header>
          <h1>What is in the cache</h1>
          <p>
            <code>${data.directory}</code><br />as it was at
            ${data.writtenAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}, judged as a ${data.type} cache;
            ${openIn(data)}
          </p>
        </header>
        ${figures(data)}
        <section>
          <h2>What fills the disk</h2>
          <p>Origins, and in each the first part of the path, by bytes on disk.</p>
          ${data.entries > 0 ? treemap(data.folders) : nothing()}
        </section>
        <div class="pair">
          <section>
            <h2>Sizes</h2>
            <p>Of bodies, as they were on the wire.</p>
            ${bars(data.sizes)}
          </section>
          <section>
            <h2>Ages</h2>
            <p>Since the origin answered, or last vouched for it.</p>
            ${bars(data.ages)}
          </section>
        </div>
        ${evictionSection(data.points)}
        <div class="pair">
          <section>
            <h2>Freshness ahead</h2>
            <p>When what is fresh now becomes stale, if nobody asks for it.</p>
            ${bars(data.ahead)}
          </section>
          ${originSection(data)}
        </div>
        ${historySection(data.history)} ${tableSection(data)}
        <footer>Written by ${PACKAGE_NAME} report. This page loads nothing from anywhere.</footer>
        ${element('script type="application/json" id="rows"', jsonForScript(data.rows.map(toTexts)))}
        ${element('script', SCRIPT)}
      </body>
    </html> `.text
}

/** Its text to the letter: the policy allows a script of one digest, which a formatter's white space would change. */
function element(tag: string, text: string): Html {
  return new Html(`<${tag}>${text}</${tag.split(' ')[0]}>`)
}

function openIn({ processes }: ReportData): string {
  return processes.length === 0
    ? 'no process had it open'
    : `open in ${counted(processes.length, 'process', 'processes')}`
}

function nothing(): Html {
  return html`<p>Nothing is stored.</p>`
}

function figures(data: ReportData): Html {
  const share = data.entries === 0 ? 0 : (100 * data.fresh) / data.entries
  const all = [
    [humanCount(data.entries), data.entries === 1 ? 'stored response' : 'stored responses'],
    [humanSize(data.diskBytes), 'on disk'],
    [humanSize(data.bodyBytes), 'of bodies'],
    [humanCount(data.originCount), data.originCount === 1 ? 'origin' : 'origins'],
    [`${share.toFixed(0)} %`, 'fresh now'],
  ] as const
  return html`<div class="figures">
    ${all.map(([figure, name]) => html`<div><b>${figure}</b><span>${name}</span></div>`)}
  </div>`
}

function evictionSection(points: readonly Point[] | undefined): Html {
  const title = html`<h2>How often, how large, and what would go next</h2>`
  if (points === undefined) {
    return html`<section>
      ${title}
      <p>
        Not known: the directory has no snapshot of the index yet. A process that has it open writes one each minute,
        and when it ends.
      </p>
    </section>`
  }
  if (points.length === 0) return html`<section>${title}${nothing()}</section>`
  const next = points.filter(({ isNext }) => isNext).slice(0, NAMED)
  const rows = next.map(
    ({ key, size, frequency }, i) =>
      html`<tr>
        <td class="number">${i + 1}</td>
        <td class="url">${key}</td>
        <td class="number">${humanSize(size)}</td>
        <td class="number optional">${frequency}</td>
      </tr>`,
  )
  return html`<section>
    ${title}
    <p>
      Each stored response by its bytes on disk and the requests counted for it, which are halved as time goes by. When
      room is needed, what is worth least for its bytes goes first: here the first twentieth of all bytes. A newcomer is
      weighed against those when its place is needed.
    </p>
    <div class="key">
      <span><i class="dot" style="background:var(--warn)"></i>next to go</span
      ><span><i class="dot" style="background:var(--main)"></i>kept for longer</span
      ><span><i class="dot" style="border:1.5px solid var(--main)"></i>newcomer</span
      ><span>upwards: requests; to the right: bytes on disk</span>
    </div>
    ${plot(points)}
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th class="number">Next</th>
            <th>Stored response</th>
            <th class="number">On disk</th>
            <th class="number optional">Requests</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`
}

function originSection({ origins }: ReportData): Html {
  const most = Math.max(...origins.map(({ median }) => median), 1)
  const rows = origins.map(
    ({ origin, entries, median, slowest }) =>
      html`<tr>
        <td class="url">
          ${origin.replace(/^https:\/\//, '')}
          <div class="track"><div class="bar" style="width:${((100 * median) / most).toFixed(1)}%"></div></div>
        </td>
        <td class="number">${humanCount(median)} ms</td>
        <td class="number">${humanCount(slowest)} ms</td>
        <td class="number optional">${humanCount(entries)}</td>
      </tr>`,
  )
  return html`<section>
    <h2>Slowest origins</h2>
    <p>From request to the header section, of the answers that are stored.</p>
    <div class="scroll">
      <table class="origins">
        <thead>
          <tr>
            <th>Origin</th>
            <th class="number">Median</th>
            <th class="number">Slowest</th>
            <th class="number optional">Answers</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`
}

function historySection(history: HistoryView | undefined): Html {
  const title = html`<h2>Hit ratio over time</h2>`
  if (history === undefined) {
    return html`<section>
      ${title}
      <p>Not known yet: a process that has the directory open notes its counts each minute, and when it ends.</p>
    </section>`
  }
  const { hits, misses, bytesServed, bytesFromNetwork } = history
  const moment = (time: string) => time.slice(0, 16).replace('T', ' ')
  const ratio = hits + misses === 0 ? 0 : (100 * hits) / (hits + misses)
  return html`<section>
    ${title}
    <p>
      Of ${humanCount(hits + misses)} requests from ${moment(history.since)} to ${moment(history.until)} UTC the cache
      has answered ${ratio.toFixed(1)} % by itself. That has saved ${counted(hits, 'request')} to origins and
      ${humanSize(bytesServed)} of bodies; ${humanSize(bytesFromNetwork)} came from the network. What a request to an
      origin takes stands under Slowest origins.
    </p>
    ${ratios(history.columns)}
  </section>`
}

function tableSection({ rows, entries }: ReportData): Html {
  const heads = [
    ['Stored response', false],
    ['Status', true],
    ['On disk', true],
    ['Age', true],
    ['Freshness', true],
    ['Requests', true],
  ] as const
  const cells = heads.map(([name, isNumber], i) => {
    const sorted = i === 2 ? new Html(' aria-sort="descending"') : ''
    return html`<th class="${isNumber ? 'number' : ''}${i === 5 ? ' optional' : ''}" ${sorted}>
      <button type="button">${name}</button>
    </th>`
  })
  const left =
    rows.length < entries ? html`<p>The ${humanCount(rows.length)} heaviest of ${humanCount(entries)}.</p>` : html``
  return html`<section>
    <h2>All stored responses</h2>
    ${left}
    <noscript
      ><p>The table needs scripts; <code>${PACKAGE_NAME} ls</code> prints the same.</p></noscript
    >
    <div class="search">
      <input id="search" type="search" placeholder="Search: words of the URL, a status" aria-label="Search" /><span
        id="count"
        aria-live="polite"
      ></span>
    </div>
    <div class="scroll">
      <table id="entries">
        <thead>
          <tr>
            ${cells}
          </tr>
        </thead>
        <tbody></tbody>
      </table>
    </div>
    <button class="more" id="more" type="button" hidden>Show more</button>
  </section>`
}

/** What the table shows of a row, what it sorts by, column by column. */
function toTexts(row: Row): { values: (string | number)[]; texts: string[]; isStale: boolean } {
  const { key, statusCode, diskSize, age, lifetime, state, frequency } = row
  const freshness = describeState(row).replace('for another ', '').replace('before each use', 'each time')
  return {
    values: [
      key,
      statusCode,
      diskSize,
      age,
      state === 'validate' ? Number.MIN_SAFE_INTEGER : lifetime - age,
      frequency ?? -1,
    ],
    texts: [
      visible(key),
      String(statusCode),
      humanSize(diskSize),
      humanDuration(age),
      freshness,
      frequency === undefined ? '–' : String(frequency),
    ],
    isStale: state === 'stale',
  }
}
