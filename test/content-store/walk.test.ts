/** Walks over folders of two levels; their effect on a start is tested in manager/snapshot.test.ts. */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { foldersUnchangedSince } from '../../src/content-store/walk.ts'
import { temporaryDirectory } from '../helpers/directory.ts'

test('a folder whose name is not of two digits says nothing of another', async () => {
  const root = await temporaryDirectory()
  for (const name of ['ab/cd', 'ab/1', 'ab/0x', 'ab/123', '1/23', 'g0/00', '0/012'])
    await mkdir(join(root, name), { recursive: true })
  const unchanged = await foldersUnchangedSince(root, Infinity)
  const digits = Array.from({ length: 0x1_0000 }, (_, number) => number.toString(16).padStart(4, '0'))
  assert.deepEqual(
    digits.filter((hash) => unchanged.has(`${hash}0123`)),
    ['abcd'],
  )
})
