/** A record for tests that look at what holds it and not at what it says. */
import type { StoredBody, StoredResponse } from '../../src/stored-response.ts'

export function recordOf(name: string, body: StoredBody): StoredResponse {
  return {
    key: `https://example.com/${name}`,
    variant: '',
    vary: [],
    statusCode: 200,
    statusMessage: 'OK',
    fields: [],
    scope: 'shared',
    requestTime: 0,
    responseTime: 0,
    body,
  }
}
