/** @file Names of tensors in GGUF files (gguf-py `tensor_mapping.py`) and in Hugging Face models, and the order of query and key rows. */

const wholeModel: readonly (readonly [string, string])[] = [
  ["model.embed_tokens", "token_embd"],
  ["model.norm", "output_norm"],
  ["lm_head", "output"],
];

const inLayer: readonly (readonly [string, string])[] = [
  ["input_layernorm", "attn_norm"],
  ["post_attention_layernorm", "ffn_norm"],
  ["self_attn.q_norm", "attn_q_norm"],
  ["self_attn.k_norm", "attn_k_norm"],
  ["self_attn.q_proj", "attn_q"],
  ["self_attn.k_proj", "attn_k"],
  ["self_attn.v_proj", "attn_v"],
  ["self_attn.o_proj", "attn_output"],
  ["mlp.gate_proj", "ffn_gate"],
  ["mlp.up_proj", "ffn_up"],
  ["mlp.down_proj", "ffn_down"],
];

const ofWholeModel = new Map(wholeModel);
const ofLayer = new Map(inLayer);

/** The name in GGUF files of a parameter of a Hugging Face model, e.g. `blk.3.attn_q.weight`. */
export function ggufName(name: string): string {
  const [, module, kind] = /^(.*)\.(weight|bias)$/u.exec(name) ?? [];
  const [, layer, inner] = /^model\.layers\.(\d+)\.(.*)$/u.exec(module ?? "") ?? [];
  if (layer === undefined) return `${ofWholeModel.get(module ?? "")}.${kind}`;
  return `blk.${layer}.${ofLayer.get(inner ?? "")}.${kind}`;
}

/** Frequency divisors of rotary embeddings (llama3 scaling). */
export const ROPE_FREQUENCIES = "rope_freqs.weight";

/** Whether llama.cpp wants the rows of a parameter in pairs: it turns neighbouring rows of a llama's heads, Hugging Face the two halves. */
export function hasPairedRows(name: string, modelType: string): boolean {
  return modelType === "llama" && /self_attn\.[qk]_proj\.(?:weight|bias)$/u.test(name);
}

/** Reorders rows of `rowBytes` bytes: row `half · d/2 + i` of each head of d rows goes to row `2i + half`, or back. */
export function reorderRows(
  bytes: Uint8Array,
  { headDimension, rowBytes, to }: { headDimension: number; rowBytes: number; to: "pairs" | "halves" },
): Uint8Array<ArrayBuffer> {
  const reordered = new Uint8Array(bytes.length);
  const rows = bytes.length / rowBytes;
  const half = headDimension / 2;
  for (let row = 0; row < rows; row++) {
    const inHead = row % headDimension;
    const paired = row - inHead + 2 * (inHead % half) + Math.floor(inHead / half);
    const [from, target] = to === "pairs" ? [row, paired] : [paired, row];
    reordered.set(bytes.subarray(from * rowBytes, (from + 1) * rowBytes), target * rowBytes);
  }
  return reordered;
}
