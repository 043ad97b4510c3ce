/** Makes small tar archives, good and bad ones. */

export interface TarMember {
  readonly name: string
  readonly content?: string | Uint8Array
  /** `0` a file, `2` a symbolic link, `5` a folder … */
  readonly type?: string
  /** What the header says, where that is not the length of the content. */
  readonly sizeText?: string
}

const blockBytes = 512

/** The whole archive, with the two blocks of zeros at its end. */
export function tarOf(members: readonly TarMember[]): Buffer {
  return Buffer.concat([...members.flatMap(memberBlocks), Buffer.alloc(2 * blockBytes)])
}

function memberBlocks({ name, content = '', type = '0', sizeText }: TarMember): Buffer[] {
  const bytes = Buffer.from(content)
  const header = Buffer.alloc(blockBytes)
  header.write(name, 0, 'latin1')
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(sizeText ?? `${bytes.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('15300622750\0', 136)
  header.write('        ', 148)
  header.write(type, 156)
  if (type === '2') header.write('/etc/passwd', 157)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return [header, bytes, Buffer.alloc(-bytes.length & (blockBytes - 1))]
}
