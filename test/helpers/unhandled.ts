// Mocha tells other listeners of a rejection that nobody handles, and nobody else: without one it would be lost.
process.on('unhandledRejection', reason => {
  throw reason
})
