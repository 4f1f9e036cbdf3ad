/** Something that the person at the command line can mend: the message says what, and a stack would hide it. */
export class Refusal extends Error {}
