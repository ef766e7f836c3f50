import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { encode as encodeVarint } from 'uint8-varint'
import { Uint8ArrayList } from 'uint8arraylist'
import type { Violation } from '../../../../node/p2p/errors.ts'
import { FrameStream } from '../../../../node/p2p/frame-stream.ts'
import { encodeMessage } from '../../../../protocol/codec.ts'
import { type RequesterFrame, requesterFrameMessage } from '../../../../protocol/messages/requester-frame.ts'

const frame = encodeMessage(requesterFrameMessage, { kind: 'cancel' })
const onStream = (bytes: Uint8Array) => new Uint8ArrayList(encodeVarint(bytes.length), bytes)

describe('frames of a stream', () => {
  const violations: Violation[] = []
  const framesOf = (stream: Stream) =>
    new FrameStream<RequesterFrame, RequesterFrame>(
      {
        remote: '00'.repeat(32),
        encode: said => encodeMessage(requesterFrameMessage, said),
        incoming: requesterFrameMessage,
      },
      { stream, onViolation: violation => violations.push(violation) },
    )
  afterEach(() => assert.deepEqual(violations.splice(0), []))

  it('are over at once where the stream broke before anybody listened', async () => {
    const [here, there] = await streamPair()
    const broken = once(here, 'close')
    there.abort(new Error('gone'))
    await broken
    await assert.rejects(framesOf(here).receive(), { code: 'STREAM_RESET' })
  })

  it('are all taken where the other side has said everything before anybody listened', async () => {
    const [here, there] = await streamPair()
    const closed = once(here, 'remoteCloseWrite')
    there.send(onStream(frame))
    there.send(onStream(frame))
    await there.close()
    await closed
    const frames = framesOf(here)
    const said = [await frames.receive(), await frames.receive(), await frames.receive()]
    assert.deepEqual(said, [{ kind: 'cancel' }, { kind: 'cancel' }, null])
    await frames.close()
  })
})
