"""Songs, genres and artists of a data folder, for the scripts that need labelled songs."""
import os

import numpy as np
import pandas as pd

FEATURES = ["duration", "acousticness", "danceability", "energy", "explicit", "instrumentalness", "key", "liveness",
            "loudness", "mode", "speechiness", "tempo", "time_signature", "valence"]


def parse_genres(text):
    """The elements of a PostgreSQL array literal."""
    return [g.strip('"') for g in text.strip("{}").split(",")] if text != "{}" else []


def load(folder):
    """X (float32), first artist of each song as a number, set of genres of each song; complete songs with a genre."""
    songs = pd.read_csv(os.path.join(folder, "songs.csv.gz")).dropna().sort_values("song_id")
    artists = pd.read_csv(os.path.join(folder, "artists.csv.gz"), keep_default_na=False)
    links = pd.read_csv(os.path.join(folder, "song_artists.csv.gz")).sort_values(["song_id", "artist_id"])
    genres = {a: parse_genres(g) for a, g in zip(artists["artist_id"], artists["genres"])}
    of_song = {}
    for song, artist in zip(links["song_id"], links["artist_id"]):
        of_song.setdefault(song, []).append(artist)
    labels = [{g for a in of_song.get(s, []) for g in genres.get(a, [])} for s in songs["song_id"]]
    keep = np.array([len(l) > 0 for l in labels])
    number = {}
    group = np.array([number.setdefault(of_song[s][0], len(number)) if k else 0
                      for s, k in zip(songs["song_id"], keep)], dtype="<u4")
    X = songs[FEATURES].astype(float).to_numpy(dtype="<f4")
    return X[keep], group[keep], [l for l, k in zip(labels, keep) if k]
