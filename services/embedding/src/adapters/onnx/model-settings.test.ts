import { describe, expect, it } from "@jest/globals";
import { readModelSettings, type SettingsFile, type SettingsFiles, settingsFiles } from "./model-settings.ts";

const read = (files: Partial<Record<SettingsFile, unknown>>) =>
  readModelSettings(Object.fromEntries(settingsFiles.map((name) => [name, files[name]])) as SettingsFiles);

describe("readModelSettings", () => {
  it("takes what most models have where no file says anything", () => {
    expect(read({})).toEqual({
      pooling: "mean",
      prefixes: { query: "", document: "" },
      maxTokens: 512,
      lowercase: false,
      padToken: undefined,
    });
  });

  it("reads what sentence-transformers wrote", () => {
    const module = (type: string) => ({ type: `sentence_transformers.models.${type}` });
    expect(
      read({
        "modules.json": [module("Transformer"), module("Pooling"), module("Normalize")],
        "1_Pooling/config.json": { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false },
        "config_sentence_transformers.json": { prompts: { query: "query: ", passage: "passage: " } },
        "sentence_bert_config.json": { max_seq_length: 256, do_lower_case: true },
        "tokenizer_config.json": { model_max_length: 512, pad_token: { content: "<pad>" } },
      }),
    ).toEqual({
      pooling: "cls",
      prefixes: { query: "query: ", document: "passage: " },
      maxTokens: 256,
      lowercase: true,
      padToken: "<pad>",
    });
  });

  it("reads no more tokens than the model has positions", () => {
    expect(read({ "config.json": { model_type: "xlm-roberta", max_position_embeddings: 514 } }).maxTokens).toBe(512);
    expect(read({ "config.json": { model_type: "bert", max_position_embeddings: 128 } }).maxTokens).toBe(128);
    expect(read({ "tokenizer_config.json": { model_max_length: 1e30 } }).maxTokens).toBe(512);
  });

  it("refuses a model that does more than it can", () => {
    expect(() => read({ "modules.json": [{ type: "sentence_transformers.models.Dense" }] })).toThrow(/"Dense"/);
    expect(() =>
      read({ "1_Pooling/config.json": { pooling_mode_cls_token: true, pooling_mode_mean_tokens: true } }),
    ).toThrow(/pooling_mode_cls_token and pooling_mode_mean_tokens/);
    expect(() => read({ "1_Pooling/config.json": { pooling_mode_weightedmean_tokens: true } })).toThrow(/weightedmean/);
    expect(() =>
      read({
        "1_Pooling/config.json": { include_prompt: false },
        "config_sentence_transformers.json": { prompts: { query: "q: " } },
      }),
    ).toThrow(/include_prompt/);
  });
});
