// A block that was lent to be filled, on its way through the sender.
//
// It is staged as what it is: its bytes are there already. Whoever hands it to the sender, or lets
// go of what was parked, gives the block back unless it was sent.

export class LoanedBlock {
  /** Frames name it: it is its receivers' now. */
  isSent = false
  /** It waits in line. */
  isParked = false

  constructor(
    readonly block: number,
    /** Bytes of it that are the message. */
    readonly length: number,
  ) {}
}
