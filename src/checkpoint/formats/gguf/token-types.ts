/** What a token is (`llama_token_type`). */
export const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** A token of SentencePiece that stands for one byte. */
export const BYTE_PIECE = /^<0x[0-9A-F]{2}>$/u;
