import { EmbeddedChain } from '../../../node/chain/embedded/embedded-chain.ts'

/* Starts a chain, says on stdout which process it is, and waits to be killed. Arguments: folder, 'detached' or not. */
const [, , folder, mode] = process.argv
const chain = new EmbeddedChain({ folder: folder!, detached: mode === 'detached' })
const { rpcUrl } = await chain.start()
console.log(JSON.stringify({ pid: chain.pid, rpcUrl }))
setInterval(() => {}, 1_000)
