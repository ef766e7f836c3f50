import { equal } from 'node:assert/strict'
import { haveGraphicsCard } from '../../../../inference/llama/graphics-cards.ts'

describe('graphics cards', () => {
  it('are not processors that a driver shows as such', () => {
    equal(haveGraphicsCard(['llvmpipe (LLVM 15.0.6, 256 bits)']), false)
    equal(haveGraphicsCard(['SwiftShader Device (Subzero)', 'Microsoft Basic Render Driver']), false)
    equal(haveGraphicsCard([]), false)
  })

  it('are found beside them', () => {
    equal(haveGraphicsCard(['llvmpipe (LLVM 15.0.6, 256 bits)', 'NVIDIA H200']), true)
    equal(haveGraphicsCard(['AMD Radeon RX 7900 XTX (RADV NAVI31)']), true)
  })
})
