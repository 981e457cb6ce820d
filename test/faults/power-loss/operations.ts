/**
 * What a cache did to its directory, one file-system operation after the other. Paths are relative to the directory, files
 * have numbers, since a rename changes the name and not the file. Nothing here is a sync: the package has none, and the
 * recorder refuses them, so that whoever adds one has to say here what it keeps.
 */

export type Operation = { readonly time: number } & (
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'create'; readonly path: string; readonly file: number }
  /** At the end of the file. */
  | { readonly kind: 'write'; readonly file: number; readonly bytes: Uint8Array }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly file: number }
  | { readonly kind: 'remove'; readonly path: string }
  /** No operation: from here on no version of this URL path before `version` may be served by a process that was killed. */
  | { readonly kind: 'settled'; readonly path: string; readonly version: number }
)
