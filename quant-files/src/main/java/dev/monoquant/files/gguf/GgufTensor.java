package dev.monoquant.files.gguf;

import dev.monoquant.model.TensorShape;

/**
 * A tensor of a GGUF file.
 *
 * @param name its name
 * @param type its type
 * @param shape its dimensions as PyTorch has them: the reverse of those in the file
 * @param offset its first byte, from the start of the data
 * @param bytes its bytes, without the padding behind them
 */
public record GgufTensor(String name, GgmlType type, TensorShape shape, long offset, long bytes) {}
