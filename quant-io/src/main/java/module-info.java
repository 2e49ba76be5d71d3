/** Reads and writes model files. */
module dev.monoquant.io {
  requires transitive dev.monoquant.api;
  requires dev.monoquant.files;
  requires dev.monoquant.script;
  requires com.google.gson;
  requires java.net.http;
  requires static com.google.auto.service;
  requires static org.jspecify;

  exports dev.monoquant.io.calibration;
  exports dev.monoquant.io.checkpoint;
  exports dev.monoquant.io.compressedtensors;
  exports dev.monoquant.io.exported;
  exports dev.monoquant.io.gguf;
  exports dev.monoquant.io.memory;
  exports dev.monoquant.io.remote;
  exports dev.monoquant.io.safetensors;
  exports dev.monoquant.io.torchscript;

  uses dev.monoquant.spi.GgufArchitecture;

  provides dev.monoquant.spi.GgufArchitecture with
      dev.monoquant.io.architecture.BertArchitecture,
      dev.monoquant.io.architecture.GemmaArchitecture,
      dev.monoquant.io.architecture.LlamaArchitecture,
      dev.monoquant.io.architecture.Phi3Architecture,
      dev.monoquant.io.architecture.QwenArchitecture;
  provides dev.monoquant.spi.CalibrationReader with
      dev.monoquant.io.calibration.GgufImatrix,
      dev.monoquant.io.calibration.LegacyImatrix,
      dev.monoquant.io.calibration.NumpyCalibration,
      dev.monoquant.io.calibration.SafetensorsCalibration;
  provides dev.monoquant.spi.InputFormatDetector with
      dev.monoquant.io.checkpoint.TorchCheckpointFormat,
      dev.monoquant.io.compressedtensors.CompressedTensorsFormat,
      dev.monoquant.io.exported.ExportedProgramFormat,
      dev.monoquant.io.gguf.GgufFormat,
      dev.monoquant.io.memory.LiveModelFormat,
      dev.monoquant.io.safetensors.ModelDirectoryFormat,
      dev.monoquant.io.safetensors.SafetensorsFormat,
      dev.monoquant.io.torchscript.TorchScriptFormat;
  provides dev.monoquant.spi.RemoteStore with
      dev.monoquant.io.remote.HttpStore;
  provides dev.monoquant.spi.OutputFormat with
      dev.monoquant.io.compressedtensors.AwqOutput,
      dev.monoquant.io.compressedtensors.BitsAndBytesOutput,
      dev.monoquant.io.compressedtensors.CompressedTensorsOutput,
      dev.monoquant.io.compressedtensors.Fp8Output,
      dev.monoquant.io.compressedtensors.GptqOutput,
      dev.monoquant.io.compressedtensors.GptqV2Output,
      dev.monoquant.io.compressedtensors.ModelOptOutput,
      dev.monoquant.io.gguf.GgufOutput,
      dev.monoquant.io.gguf.ModelDirectoryOutput,
      dev.monoquant.io.safetensors.SafetensorsOutput,
      dev.monoquant.io.torchscript.TorchScriptOutput;
  provides dev.monoquant.spi.ScaleMapping with
      dev.monoquant.io.scaling.BertScaling,
      dev.monoquant.io.scaling.GemmaScaling,
      dev.monoquant.io.scaling.LlamaScaling;
}
