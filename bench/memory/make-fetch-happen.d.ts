/** The little of make-fetch-happen that is used here: it brings no types. */
declare module 'make-fetch-happen' {
  interface FetchResponse {
    readonly headers: Headers
    readonly body: AsyncIterable<Buffer>
  }

  const fetch: (
    url: string,
    options: { cachePath: string; retry: boolean; maxSockets: number },
  ) => Promise<FetchResponse>
  export = fetch
}
