  #if int8
  def prepare_convolution(self: __torch__.monoquant.Weight) -> NoneType:
    shape = self.dims[2:]
    window = self.window
    if len(shape) == 3:
      shape = [shape[0], shape[1], 1, shape[2]]
    self.kernel_shape = shape
    self.kernel_zero = torch.zeros([shape[0]], dtype=3)
    self.pointwise = shape[2] * shape[3] * window[6] == 1 and window[2] + window[3] == 0
    machine = self.machine
    saturates = machine.products_saturate() if self.pointwise else machine.convolutions_saturate()
    codes = self.take_kernel(shape[1] if saturates else 0, 127.)
    if not saturates:
      return None
    flat = torch.reshape(codes, [shape[0], -1])
    zero = torch.zeros([shape[0]], dtype=4)
    self.levels = __torch__.monoquant.input_levels(flat, shape[1])
    if not __torch__.monoquant.is_lossless(self.full_output(), flat, self.kernel_scale, zero, None, self.levels):
      codes = self.take_kernel(shape[1], 63.)
      self.levels = 255
    return None
  def take_kernel(self: __torch__.monoquant.Weight,
    channels: int,
    levels: float) -> Tensor:
    dims = self.dims
    natural = dims[0] == 0 and self.codec[3] == 0 and self.codec[2] == 1
    if natural and levels > 64. and __torch__.monoquant.is_exact(self.codec, self.parts):
      codes, scale, zero = __torch__.monoquant.signed_codes(self.parts, self.codec, self.rows, self.cols)
      if channels > 0:
        codes, scale, zero = __torch__.monoquant.spaced(codes, scale, zero, channels, self.most_of_two())
    else:
      whole = __torch__.monoquant.in_order(__torch__.monoquant.decoded_rows(self.parts, self.codec, self.rows, self.cols), dims)
      codes, scale, zero = __torch__.monoquant.requantized(torch.to(whole, 6), levels, channels, self.most_of_two())
    self.kernel_scale = scale
    if self.pointwise:
      codes = torch.reshape(codes, self.kernel_shape[0:2])
      self.points = __torch__.monoquant.packed_product(codes, scale, torch.zeros_like(scale, dtype=4), None)
      return codes
    window = self.window
    codes = torch.contiguous(torch.reshape(codes, self.kernel_shape))
    self.kernel = ops.onednn.qconv_prepack(codes, scale, 1., 0, window[0:2], window[2:4], window[4:6], window[6], None)
    return codes
  def full_output(self: __torch__.monoquant.Weight) -> Tensor:
    # The output at which the kernel lies within an input of nothing but the greatest code.
    window = self.window
    shape = self.kernel_shape
    if self.pointwise:
      greatest = torch.full([1, shape[1]], float(self.levels))
      points = unchecked_cast(Pack, self.points)
      return __torch__.monoquant.multiplied(greatest, 1., 0, points, self.kernel_scale, self.kernel_zero, None)
    high = window[0] + window[4] * (shape[2] - 1) + 1
    wide = window[1] + window[5] * (shape[3] - 1) + 1
    input = torch.full([1, shape[1] * window[6], high, wide], self.levels, dtype=0)
    got = ops.onednn.qconv2d_pointwise(input, 1., 0, self.kernel, self.kernel_scale, self.kernel_zero, None, window[0:2], window[2:4], window[4:6], window[6], 1., 0, 6, "none", annotate(List[Optional[number]], []), "")
    row = (window[2] + window[0] - 1) // window[0]
    column = (window[3] + window[1] - 1) // window[1]
    return torch.select(torch.select(got, 3, column), 2, row)
  # The greatest sum of two codes at which no input is lost.
  def most_of_two(self: __torch__.monoquant.Weight) -> int:
    #if chain
    if self.takes:
      return 128
    #end
    return 176
  #end
  #if timed
  def untimed_conv(self: __torch__.monoquant.Weight,
  #else
  def conv(self: __torch__.monoquant.Weight,
  #end
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    #if chain
    if self.gives > 0 or self.takes:
      return self.chained_conv(input, bias)
    #end
    result = input
    #if weight-only
    if self.mode == 0:
      result = self.decoded_convolution(input, bias)
    #end
    #if int8
    if self.mode > 0:
      result = self.quantized_convolution(input, bias)
    #end
    return result
  #if weight-only
  def decoded_convolution(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    window = self.window
    plain = bias
    if bias is not None:
      plain = torch.to(bias, self.dtype)
    if len(self.dims) == 5:
      return torch.conv1d(input, self.whole, plain, window[1:2], window[3:4], window[5:6], window[6])
    return torch.conv2d(input, self.whole, plain, window[0:2], window[2:4], window[4:6], window[6])
  #end
  #if int8
  def quantized_convolution(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    single = len(self.dims) == 5
    wide = torch.to(input, 6)
    batched = torch.dim(input) == len(self.dims) - 2
    if not batched:
      wide = torch.unsqueeze(wide, 0)
    if single:
      wide = torch.unsqueeze(wide, 2)
    wide_bias = bias
    if bias is not None:
      wide_bias = torch.to(bias, 6)
    result = self.convolution(wide, wide_bias)
    if single:
      result = torch.squeeze(result, 2)
    if not batched:
      result = torch.squeeze(result, 0)
    return torch.to(result, self.dtype)
  def convolution(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    result = input
    if torch.numel(input) == 0:
      # Only shapes matter: the kernel of the original is asked.
      window = self.window
      return torch.conv2d(input, torch.zeros(self.kernel_shape), bias, window[0:2], window[2:4], window[4:6], window[6])
    #if static
    if self.mode == 4:
      result = self.clipped_convolution(input, bias)
    #end
    #if dynamic or dynamic-row or dynamic-row-asymmetric
    if self.mode != 4:
      result = self.ranged_convolution(input, bias)
    #end
    return result
  #end
  #if static
  def clipped_convolution(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    window = self.window
    if not self.pointwise:
      return __torch__.monoquant.clipped_convolved(input, self.kernel, self.kernel_scale, self.kernel_zero, bias, window, self.window_step, self.window_middle, self.levels)
    points = unchecked_cast(Pack, self.points)
    result = __torch__.monoquant.clipped_points(self.seen(input), self.window_step, self.window_middle, points, self.kernel_scale, self.kernel_zero, bias, self.levels)
    return torch.permute(result, [0, 3, 1, 2])
  #end
  #if dynamic or dynamic-row or dynamic-row-asymmetric
  # One range for a whole input of finite numbers, or numbers that are divided by those of each image.
  def ranged_convolution(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    finite = input
    # Not aminmax, which copies what has its channels last.
    low = torch.amin(input)
    high = torch.amax(input)
    whole = float(high) - float(low) < inf
    if not whole:
      finite = torch.nan_to_num(input, 0., 0., 0.)
      low = torch.amin(finite)
      high = torch.amax(finite)
    #if dynamic-row or dynamic-row-asymmetric
    if self.mode == 1 or input.size(0) == 1:
      result = self.convolved(finite, bias, low, high)
    else:
      highs = torch.amax(finite, [1, 2, 3], True)
      lows = torch.amin(finite, [1, 2, 3], True)
      range = torch.clamp_min(torch.maximum(highs, torch.neg(lows)), 1.0e-12)
      result = self.convolved(torch.div(finite, range), None, torch.amin(torch.div(lows, range)), torch.amax(torch.div(highs, range)))
      if bias is not None:
        result = torch.addcmul(torch.reshape(bias, [1, -1, 1, 1]), result, range)
      else:
        result = torch.mul(result, range)
    #else
    result = self.convolved(finite, bias, low, high)
    #end
    if not whole:
      result = torch.add(result, __torch__.monoquant.lost(input, [1, 2, 3]))
    return result
  def convolved(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor],
    low: Tensor,
    high: Tensor) -> Tensor:
    step, zero = __torch__.monoquant.input_range(float(low), float(high), self.levels)
    if not self.pointwise:
      return __torch__.monoquant.convolved(input, self.kernel, self.kernel_scale, self.kernel_zero, bias, self.window, step, zero)
    points = unchecked_cast(Pack, self.points)
    result = __torch__.monoquant.multiplied_points(self.seen(input), step, zero, points, self.kernel_scale, self.kernel_zero, bias)
    return torch.permute(result, [0, 3, 1, 2])
  #end
  #if int8
  # What a kernel of one place sees. Products are the faster by far for these where the convolution is
  # not packed for the size of its input, and as fast where it is.
  def seen(self: __torch__.monoquant.Weight,
    input: Tensor) -> Tensor:
    window = self.window
    if window[0] + window[1] > 2:
      return torch.slice(torch.slice(input, 2, 0, 9223372036854775807, window[0]), 3, 0, 9223372036854775807, window[1])
    return input
  #end
