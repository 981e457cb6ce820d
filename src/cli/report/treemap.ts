/**
 * Rectangles whose areas are the shares of a whole, as square as may be: Bruls, Huizing, van Wijk, "Squarified Treemaps"
 * (2000).
 */

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** A box for each size, in their order, which is from large to small; together they fill `area`. */
export function squarified(sizes: readonly number[], area: Box): Box[] {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (total <= 0) return sizes.map(() => ({ ...area, width: 0, height: 0 }))
  const scale = (area.width * area.height) / total
  const areas = sizes.map((size) => size * scale)
  const boxes: Box[] = []
  let left = area
  while (boxes.length < areas.length) {
    const row = nextRow(areas.slice(boxes.length), Math.min(left.width, left.height))
    const { placed, rest } = place(row, left)
    boxes.push(...placed)
    left = rest
  }
  return boxes
}

/** As many as make the worst box of a row along the shorter side no worse. */
function nextRow(areas: readonly number[], side: number): number[] {
  const row: number[] = []
  for (const each of areas) {
    if (row.length > 0 && worst([...row, each], side) > worst(row, side)) break
    row.push(each)
  }
  return row
}

/** The largest ratio of length to breadth. */
function worst(row: readonly number[], side: number): number {
  const sum = row.reduce((total, each) => total + each, 0)
  const breadth = sum / side
  return Math.max(...row.map((each) => Math.max(each / breadth ** 2, breadth ** 2 / Math.max(each, Number.MIN_VALUE))))
}

function place(row: readonly number[], { x, y, width, height }: Box): { placed: Box[]; rest: Box } {
  const sum = row.reduce((total, each) => total + each, 0)
  const isColumn = width >= height
  const breadth = sum / Math.max(isColumn ? height : width, Number.MIN_VALUE)
  let at = isColumn ? y : x
  const placed = row.map((each) => {
    const length = breadth > 0 ? each / breadth : 0
    const box = isColumn ? { x, y: at, width: breadth, height: length } : { x: at, y, width: length, height: breadth }
    at += length
    return box
  })
  const rest = isColumn
    ? { x: x + breadth, y, width: Math.max(0, width - breadth), height }
    : { x, y: y + breadth, width, height: Math.max(0, height - breadth) }
  return { placed, rest }
}
