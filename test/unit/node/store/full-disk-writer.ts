import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Store } from '../../../../node/store/store.ts'
import { isShoalError } from '../../../../protocol/errors.ts'

/** Writes until a disk is full, makes room and writes on; says which records must be there, and which are. */
const folder = process.argv[2]!
const filler = join(folder, 'filler')
const path = join(folder, 'store')
const text = z.string()
let failures = 0
let store = await Store.open(path, { onWriteFailure: () => failures++ })
const table = store.table('records', text)
const kept: string[] = []
const refused: string[] = []

const put = async (key: string) => {
  try {
    await table.put(key, 'x'.repeat(700), { sync: false })
    kept.push(key)
    return true
  } catch (error) {
    if (!isShoalError(error, 'DISK_FULL')) throw error
    refused.push(key)
    return false
  }
}

await put('first')
// All but a little, so that a write fails in its middle.
const { bavail, bsize } = await statfs(folder)
const fill = createWriteStream(filler)
fill.end(Buffer.alloc((bavail - 6) * bsize))
await once(fill, 'close')
for (let i = 0; await put(`before ${i}`); i++);
const readable = (await table.get('first'))?.length
for (let i = 0; i < 3; i++) await put(`while ${i}`)
await rm(filler)
for (let i = 0; i < 40; i++) await put(`after ${i}`)
await store.close()

store = await Store.open(path)
const found: string[] = []
for await (const [key] of store.table('records', text).entries()) found.push(key)
await store.close()
process.stdout.write(JSON.stringify({ kept: kept.sort(), found, refused, failures, readable }))
