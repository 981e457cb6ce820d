/** Eight ordinary header fields of a stored response of 1 KB. */
export const DAY_SECONDS = 86_400

export function ordinaryHeaders(n: number, size: number): Record<string, string> {
  return {
    date: new Date().toUTCString(),
    'content-type': 'application/octet-stream',
    'content-length': String(size),
    'cache-control': `public, max-age=${DAY_SECONDS}`,
    etag: `"${n}"`,
    'last-modified': 'Wed, 01 Jan 2025 00:00:00 GMT',
    server: 'origin',
    'x-content-type-options': 'nosniff',
  }
}
