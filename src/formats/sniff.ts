/** What a file is that is not a model: known by its first bytes, so that the message can say it. */
interface KnownFormat {
  readonly name: string;
  readonly offset: number;
  readonly magic: readonly number[];
  readonly remedy: string;
}

const known: readonly KnownFormat[] = [
  { name: "a PNG image", offset: 0, magic: [0x89, 0x50, 0x4e, 0x47], remedy: "pass the model file" },
  { name: "a JPEG image", offset: 0, magic: [0xff, 0xd8, 0xff], remedy: "pass the model file" },
  { name: "a PDF document", offset: 0, magic: ascii("%PDF"), remedy: "pass the model file" },
  {
    name: "a numpy array",
    offset: 0,
    magic: [0x93, ...ascii("NUMPY")],
    remedy: "arrays are inputs: pass them with --input",
  },
  {
    name: "a zip archive without a Keras model, or one that is truncated",
    offset: 0,
    magic: [0x50, 0x4b, 3, 4],
    remedy: "copy the file again, or save it again: model.save('model.keras')",
  },
  {
    name: "an ONNX Runtime .ort file",
    offset: 4,
    magic: ascii("ORTM"),
    remedy: "pass the .onnx file it was made from",
  },
  { name: "gzip inside gzip", offset: 0, magic: [0x1f, 0x8b], remedy: "unpack the file once" },
  {
    name: "an ELF program",
    offset: 0,
    magic: [0x7f, ...ascii("ELF")],
    remedy: "pass the model file, not firmware",
  },
  {
    name: "a pointer of Git LFS",
    offset: 0,
    magic: ascii("version https://git-lfs"),
    remedy: "fetch the file itself: git lfs pull",
  },
  {
    name: "a web page",
    offset: 0,
    magic: ascii("<"),
    remedy: "the download may have failed: fetch the file itself",
  },
];

/** The format that the file's first bytes belong to, if it is a well-known one that bitloom does not read. */
export function otherFormat(bytes: Uint8Array): { name: string; remedy: string } | undefined {
  const found = known.find(({ offset, magic }) => magic.every((byte, i) => bytes[offset + i] === byte));
  return found ?? (isText(bytes) ? text : undefined);
}

const text = {
  name: "text",
  remedy: "pass the model file; of texts only manifests of bundles are read, JSON without comments",
};

/** Whether the file begins like one that people write: no other format has so many printable bytes in front. */
function isText(bytes: Uint8Array): boolean {
  const printed = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || [9, 10, 13].includes(byte);
  return bytes.subarray(0, 256).every(printed);
}

function ascii(text: string): number[] {
  return [...text].map((c) => c.charCodeAt(0));
}
