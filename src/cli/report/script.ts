/** What the report does by itself: search, sort and page the table. Everything goes into the page as text. */

export const SCRIPT: string = `
const rows = JSON.parse(document.getElementById('rows').textContent)
const [body] = document.querySelector('#entries').tBodies
const search = document.getElementById('search')
const count = document.getElementById('count')
const more = document.getElementById('more')
const PAGE = 100
let order = { column: 2, sign: -1 }
let limit = PAGE

function cell(text, className) {
  const made = document.createElement('td')
  made.textContent = text
  made.className = className
  return made
}

function draw() {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean)
  const found = rows.filter(({ values: [key, status] }) => {
    const text = (key + ' ' + status).toLowerCase()
    return words.every((word) => text.includes(word))
  })
  const { column, sign } = order
  found.sort(({ values: a }, { values: b }) => sign * (a[column] < b[column] ? -1 : a[column] > b[column] ? 1 : 0))
  body.replaceChildren(...found.slice(0, limit).map(({ texts, isStale }) => {
    const row = document.createElement('tr')
    row.append(...texts.map((text, i) => cell(text, i === 0 ? 'url' : 'number' + (i === 5 ? ' optional' : '') + (i === 4 && isStale ? ' stale' : ''))))
    return row
  }))
  count.textContent = found.length.toLocaleString('en-US') + ' of ' + rows.length.toLocaleString('en-US')
  more.hidden = found.length <= limit
}

search.addEventListener('input', () => { limit = PAGE; draw() })
more.addEventListener('click', () => { limit += 10 * PAGE; draw() })
for (const [column, head] of [...document.querySelectorAll('#entries th')].entries()) {
  head.firstElementChild.addEventListener('click', () => {
    order = { column, sign: order.column === column ? -order.sign : column === 0 ? 1 : -1 }
    for (const each of head.parentElement.children) each.removeAttribute('aria-sort')
    head.setAttribute('aria-sort', order.sign > 0 ? 'ascending' : 'descending')
    draw()
  })
}
draw()
`
