  # Runs a use of the weight as it was written, in mode dynamic, and decoded, in turns of both
  # orders, and adds the time of each to nanos; TimedProgram adds these to the class of holders.
  def ways(self: __torch__.monoquant.Weight) -> List[int]:
    self.reverse = not self.reverse
    return [2, 1, 0] if self.reverse else [0, 1, 2]
  def count(self: __torch__.monoquant.Weight,
    way: int,
    start: int) -> NoneType:
    sum = torch.add_(torch.select(self.nanos, 0, way), ops.prim.TimePoint() - start)
    return None
  #if linear
  def linear(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    own = self.plan[0]
    if own == 0:
      return self.untimed_linear(input, bias)
    modes = [own, 1, 0]
    result = input
    for way in self.ways():
      self.mode = modes[way]
      start = ops.prim.TimePoint()
      made = self.untimed_linear(input, bias)
      self.count(way, start)
      if way == 0:
        result = made
    self.mode = own
    return result
  #end
  #if conv
  def conv(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    own = self.plan[0]
    if own == 0:
      return self.untimed_conv(input, bias)
    modes = [own, 1, 0]
    result = input
    for way in self.ways():
      self.mode = modes[way]
      start = ops.prim.TimePoint()
      made = self.untimed_conv(input, bias)
      self.count(way, start)
      if way == 0:
        result = made
    self.mode = own
    return result
  #end
  #if embed
  def embed(self: __torch__.monoquant.Weight,
    indices: Tensor) -> Tensor:
    if self.keeps or self.plan[0] == 0:
      return self.untimed_embed(indices)
    result = indices
    for way in self.ways():
      self.kept = way == 2
      start = ops.prim.TimePoint()
      made = self.untimed_embed(indices)
      self.count(way, start)
      if way == 0:
        result = made
    self.kept = False
    return result
  #end
