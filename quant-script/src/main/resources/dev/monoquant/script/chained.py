  # Layers that take the codes of the layer before, or give codes to the next: plan[10] is whether it
  # takes them, plan[11] whether it gives them (2: of relu), for the range from plan[12] and
  # plan[13] to plan[14] and plan[15]; plan[16] and plan[17] are the epsilon of a normalization by
  # norm (weight, bias, mean and variance), which scales become part of.
  def start_chain(self: __torch__.monoquant.Weight) -> NoneType:
    plan = self.plan
    chained = len(plan) > 10
    self.takes = chained and plan[10] == 1
    self.gives = plan[11] if chained else 0
    self.next_scale = torch.empty([0])
    self.next_zeros = torch.empty([0])
    self.next_step = 1.
    self.next_middle = 0
    self.shift = torch.empty([0])
    self.gain = None
    return None
  def chain(self: __torch__.monoquant.Weight) -> NoneType:
    plan = self.plan
    #if linear
    self.next_scale = self.scale
    #end
    #if conv
    if len(self.window) > 0:
      self.next_scale = self.kernel_scale
    #end
    if self.gives > 0:
      step, middle = __torch__.monoquant.input_range(float(plan[12]) * torch.pow(2., plan[13]), float(plan[14]) * torch.pow(2., plan[15]), 255)
      self.next_step = step
      self.next_middle = middle
    self.next_zeros = torch.zeros_like(self.next_scale, dtype=3)
    if len(self.norm) > 0:
      epsilon = float(plan[16]) * torch.pow(2., plan[17])
      weight, bias, mean, variance = self.norm
      gain = torch.div(torch.to(weight, 7), torch.sqrt(torch.add(torch.to(variance, 7), epsilon)))
      self.shift = torch.to(torch.sub(torch.to(bias, 7), torch.mul(torch.to(mean, 7), gain)), 6)
      self.gain = torch.to(gain, 6)
      self.next_scale = torch.to(torch.mul(torch.to(self.next_scale, 7), gain), 6)
    return None
  def chained_product(self: __torch__.monoquant.Weight,
    codes: Tensor,
    step: float,
    middle: int,
    pack: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    kind = 0 if self.gives > 0 else 6
    post = "relu" if self.gives == 2 else "none"
    return ops.onednn.qlinear_pointwise(codes, step, middle, pack, self.next_scale, self.next_zeros, bias, self.next_step, self.next_middle, kind, post, annotate(List[Optional[number]], []), "")
  #if linear
  def chained_linear(self: __torch__.monoquant.Weight,
    given: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    input = given
    if torch.dim(given) == 1:
      input = torch.unsqueeze(given, 0)
    if torch.numel(input) == 0:
      made = torch.zeros(torch.add(torch.size(input)[:-1], [self.scale.size(0)]), dtype=0 if self.gives > 0 else 6)
      return made if bias is None or self.gives > 0 else torch.add(made, bias)
    codes = input
    if not self.takes:
      units = self.units
      divided = input if units is None else torch.mul(input, units)
      codes = __torch__.monoquant.clipped_bytes(divided, self.step, self.middle, 255)
    product = self.chained_product(codes, self.step, self.middle, unchecked_cast(Tensor, self.pack), bias)
    offsets = self.offsets
    if offsets is not None:
      total = torch.sum(codes, [-1], True, dtype=6)
      total = torch.mul(torch.sub(total, self.middle * codes.size(-1)), self.step)
      product = torch.addcmul_(product, total, offsets)
    if torch.dim(given) == 1:
      return torch.squeeze(product, 0)
    return product
  #end
  #if conv
  def chained_conv(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    window = self.window
    batched = torch.dim(input) == 4
    codes = input if batched else torch.unsqueeze(input, 0)
    if torch.numel(codes) == 0:
      # Only shapes matter: the kernel of the original is asked.
      made = torch.conv2d(torch.to(codes, 6), torch.zeros(self.kernel_shape), bias, window[0:2], window[2:4], window[4:6], window[6])
      result = torch.to(made, 0) if self.gives > 0 else made
      return result if batched else torch.squeeze(result, 0)
    added = bias
    gain = self.gain
    if gain is not None:
      added = self.shift if bias is None else torch.addcmul(self.shift, bias, gain)
    if not self.takes:
      rows = __torch__.monoquant.clipped_bytes(torch.permute(codes, [0, 2, 3, 1]), self.window_step, self.window_middle, self.levels)
      codes = torch.permute(rows, [0, 3, 1, 2])
    if self.pointwise:
      if window[0] + window[1] > 2:
        codes = torch.slice(torch.slice(codes, 2, 0, 9223372036854775807, window[0]), 3, 0, 9223372036854775807, window[1])
      rows = torch.contiguous(torch.permute(codes, [0, 2, 3, 1]))
      result = torch.permute(self.chained_product(rows, self.window_step, self.window_middle, unchecked_cast(Tensor, self.points), added), [0, 3, 1, 2])
    else:
      kind = 0 if self.gives > 0 else 6
      post = "relu" if self.gives == 2 else "none"
      result = ops.onednn.qconv2d_pointwise(codes, self.window_step, self.window_middle, self.kernel, self.next_scale, self.next_zeros, added, window[0:2], window[2:4], window[4:6], window[6], self.next_step, self.next_middle, kind, post, annotate(List[Optional[number]], []), "")
    return result if batched else torch.squeeze(result, 0)
  #end
