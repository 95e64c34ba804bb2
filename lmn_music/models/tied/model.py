"""The pitch-tied architecture: the same small network runs over time for every key."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from lmn_music.models.config import ModelConfig
from lmn_music.models.habits import Habits
from lmn_music.models.interface import State
from lmn_music.models.memory_model import MemoryModel
from lmn_music.models.networks.network import Network
from lmn_music.models.tied.experts import CopyExperts
from lmn_music.models.tied.matches import Matches, follow, matches_after
from lmn_music.models.tied.nade import TiedNADE
from lmn_music.models.tied.recall import REACH, Past
from lmn_music.models.tied.song_index import SongIndex
from lmn_music.models.tied.surroundings import Surroundings
from lmn_music.music.pianoroll import KEYS, PianoRoll

MARGIN = 3  # keys beyond the outermost that sound, in training
ALL_KEYS_EVERY = 8  # batches


@dataclass(frozen=True)
class TiedState(State):
    """The state of a tied model; its memory is (batch, keys, ...).

    Attributes:
        past: the song so far.
        matches: the places of the song that match its end; of no use without copy experts.
        lowest: the number of the first key that the state covers.
        copies: whether copy experts take part; not where frames are drawn, as copies of copies soon hold one chord.
        own: whether the frames that are read from here on are the model's own; then the vector of the own past enters.
        weight: (keys,), how much the likelihood of each key counts: ones, except in training.
    """

    past: Past
    matches: Matches
    lowest: int
    weight: Tensor
    copies: bool = True
    own: bool = False

    def drawing(self, *, free: bool) -> TiedState:
        """See State."""
        return replace(self, copies=free, own=free)

    def select(self, songs: Tensor | slice) -> TiedState:
        """See State."""
        return replace(
            self,
            memory=self.memory[songs],
            previous=self.previous[songs],
            past=self.past.select(songs),
            matches=self.matches.select(songs),
        )

    def recent(self, frames: int) -> TiedState:
        """See State. The memory keeps what it has; older frames are no longer recalled or copied."""
        return replace(self, past=self.past.recent(frames), matches=self.matches.recent(frames))


class TiedModel(MemoryModel):
    """One network for all keys, one sequence per key and song, and a pitch-tied NADE on top of it.

    After Johnson, "Generating polyphonic music using tied parallel networks", 2017, with any network as its recurrence.
    Without the key's own number as a feature the model is equivariant to transposition, and works on any keyboard.

    Attributes:
        at_hand: songs that the copy experts read besides the song itself; None for none. They are no part of the
            weights, and no checkpoint holds them.
    """

    output: TiedNADE
    at_hand: SongIndex | None = None

    def __init__(self, config: ModelConfig, network: Network, generator: torch.Generator | None = None) -> None:
        super().__init__(config, network)
        self.surroundings = Surroundings(config.metre, recall=config.recall)
        width = config.output_hidden_size
        self.output = TiedNADE(width, config.dropout, config.copies * config.copies_hidden_size, generator)
        # What a key reads of its own memory, and (voices) what all keys read of the memories of the sounding keys.
        self.readout = nn.Linear(self.network.output_size, 2 * width if config.voices else width)
        self.skip = nn.Linear(self.surroundings.key_size, width, bias=False)
        both = network.drive_size + width
        self.whole = nn.Linear(self.surroundings.frame_size, both, bias=False)
        self.metre = nn.ParameterList(nn.Parameter(torch.zeros(m, both)) for m in config.metre)
        self.key = nn.Parameter(torch.zeros(KEYS, both)) if config.absolute_pitch else None
        self.own = nn.Parameter(torch.zeros(both)) if config.own_past else None
        for name, habit in Habits.unknown()._asdict().items():
            self.register_buffer(name, habit if config.own_past else None)
        for linear in (self.readout, self.skip, self.whole):
            nn.init.xavier_uniform_(linear.weight, generator=generator)
        nn.init.zeros_(self.readout.bias)
        self.dropout = nn.Dropout(config.dropout)

    @staticmethod
    def input_size(config: ModelConfig) -> int:
        """Return how many features of a key the network reads."""
        return Surroundings(config.metre, recall=config.recall).key_size

    @property
    def habits(self) -> Habits | None:
        """See SequenceModel. None before they are known, see `Habits.unknown`."""
        habits = Habits(*(getattr(self, name) for name in Habits._fields))
        return habits if self.config.own_past and bool(habits.temperature) else None

    @property
    def experts(self) -> CopyExperts:
        """Return the copy experts in use: those of the song alone, or those of the song and the songs at hand."""
        experts = self.output.experts[0 if self.at_hand is None else 1]
        assert isinstance(experts, CopyExperts)
        return experts

    def with_songs(self, songs: Sequence[PianoRoll]) -> TiedModel | None:
        """See SequenceModel."""
        if not self.config.copies:
            return None
        model = copy(self)  # of the same weights
        model.at_hand = SongIndex([torch.tensor(song.frames, dtype=torch.float32) for song in songs])
        return model

    def initial_state(self, batch: int) -> TiedState:
        """Return the learned initial memory for each key of each song; the frame before the first is silence."""
        return self._state(batch, 0, self.initial_memory.new_ones(KEYS))

    def training_state(self, frames: Tensor, generator: torch.Generator) -> TiedState:
        """Return an initial state on the part of the keyboard that these songs use; on all of it one time in eight.

        Then the silent keys outside count eightfold, so the expected loss, before its gradient is clipped, is the loss
        of the whole keyboard. On the keys inside nothing changes: to every feature, the keyboard's end looks like
        silent keys.

        Args:
            frames: (time, batch, 88), the songs that will follow.
            generator: draws one number, on the CPU.

        Returns:
            The state before the first frame, with the keys that it covers and how much each of them counts.
        """
        if self.config.copies:  # what is copied may lie on any key
            return self.initial_state(frames.shape[1])
        used = frames.flatten(0, 1).any(dim=0).nonzero().flatten()
        low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, KEYS)
        low, high = max(low - MARGIN, 0), min(high + MARGIN, KEYS)
        if torch.rand((), generator=generator) >= 1 / ALL_KEYS_EVERY:
            return self._state(frames.shape[1], low, self.initial_memory.new_ones(high - low))
        weight = self.initial_memory.new_full((KEYS,), ALL_KEYS_EVERY)
        weight[low:high] = 1.0
        return self._state(frames.shape[1], 0, weight)

    def _state(self, batch: int, lowest: int, weight: Tensor) -> TiedState:
        keys = len(weight)
        memory = self.initial_memory.expand(batch, keys, -1)
        past, matches = Past.empty(batch, keys, weight), Matches.empty(batch, weight.device)
        return TiedState(memory, weight.new_zeros(batch, keys), 0, past, matches, lowest, weight)

    def forward(self, frames: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """See SequenceModel. From a `training_state`, the weighted sum over its keys."""
        state = self.initial_state(frames.shape[1]) if state is None else state
        assert isinstance(state, TiedState)
        frames = frames[..., state.lowest : state.lowest + len(state.weight)]
        context, after = self.contexts(frames, state)
        log_prob = self.output.key_log_prob(frames, context)
        return log_prob @ state.weight.to(log_prob), after

    def inputs(self, previous: Tensor, state: TiedState) -> tuple[Tensor, Tensor, Past]:
        """Return all that enters the network and the output of each key.

        Args:
            previous: (time, batch, keys), frames position - 1, position, ...
            state: what was read before.

        Returns:
            The keys' features (time, batch, keys, features); what is the same for all keys, or for all songs,
            broadcastable to (time, batch, keys, drive_size + output_hidden_size); and the song so far.
        """
        time, _, keys = previous.shape
        features, of_frames, past = self.surroundings(previous, state.past)
        drive = self.whole(of_frames).unsqueeze(2)
        number = torch.arange(state.position, state.position + time, device=previous.device)
        for table in self.metre:
            drive = drive + table[number % len(table)].view(time, 1, 1, -1)
        if self.key is not None:
            drive = drive + self.key[state.lowest : state.lowest + keys]
        if self.own is not None and state.own:
            drive = drive + self.own
        return features, drive, past

    def _recur(self, previous: Tensor, state: TiedState) -> tuple[Tensor, Tensor, Tensor, TiedState]:
        """Return the network's output (time, batch, keys, output_size), the features, and what else is read out."""
        time, batch, keys = previous.shape
        features, drive, past = self.inputs(previous, state)
        to_hidden, to_output = drive.split([self.network.drive_size, self.config.output_hidden_size], dim=3)
        to_hidden = to_hidden.expand(-1, batch, keys, -1).flatten(1, 2)
        z, memory = self.network.advance(features.flatten(1, 2), state.memory.flatten(0, 1), to_hidden, state.position)
        after = replace(state, memory=memory.unflatten(0, (batch, keys)), past=past, position=state.position + time)
        return z.unflatten(1, (batch, keys)), features, to_output, after

    def _contexts(self, previous: Tensor, state: TiedState) -> tuple[Tensor, TiedState]:
        z, features, to_output, after = self._recur(previous, state)
        # Dropout takes the same units throughout the chunk: as good, and faster.
        own, *others = self.readout(z * self.dropout(torch.ones_like(z[0]))).split(
            self.config.output_hidden_size, dim=3
        )
        context = self.skip(features) + to_output + own
        if self.config.voices:
            total = torch.einsum("tbk,tbkc->tbc", previous, others[0])
            context = context + (total / previous.sum(dim=2, keepdim=True).clamp(min=1)).unsqueeze(2)
        parts = [context, previous.unsqueeze(3)]
        if self.config.copies and state.copies:
            whole = after.past.frames
            places, matches = follow(whole, len(previous), state.matches)
            after = replace(after, matches=matches.recent(REACH))
            parts += [places] if self.at_hand is None else [places, self.at_hand.follow(whole, len(previous))]
        return torch.cat(parts, dim=3), replace(after, past=after.past.within_reach())

    def recur(self, frames: Tensor, state: State) -> tuple[Tensor, State]:
        """See MemoryModel."""
        assert isinstance(state, TiedState)
        z, *_, after = self._recur(torch.cat([state.previous.unsqueeze(0), frames[:-1]]), state)
        return z, replace(after, past=after.past.within_reach()).saw(frames[-1])

    def read(self, frames: Tensor, state: State) -> State:
        """See SequenceModel."""
        read = super().read(frames, state)
        assert isinstance(state, TiedState)
        assert isinstance(read, TiedState)
        if self.config.copies and state.copies:
            new = torch.cat([state.previous.unsqueeze(0), frames[:-1]]).transpose(0, 1)
            whole = torch.cat([state.past.frames, new], dim=1)
            read = replace(read, matches=matches_after(whole, len(frames), state.matches))
        return read

    def contexts(self, frames: Tensor, state: State) -> tuple[Tensor, State]:
        """See SequenceModel."""
        assert isinstance(state, TiedState)
        context, after = self._contexts(torch.cat([state.previous.unsqueeze(0), frames[:-1]]), state)
        return context, after.saw(frames[-1])

    def step(self, state: State) -> tuple[Tensor, State]:
        """See SequenceModel."""
        assert isinstance(state, TiedState)
        context, after = self._contexts(state.previous.unsqueeze(0), state)
        return context[0], after
