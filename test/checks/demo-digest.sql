SELECT md5((SELECT string_agg(s::text, E'\n' ORDER BY song_id COLLATE "C") FROM songs s)
        || (SELECT string_agg(a::text, E'\n' ORDER BY artist_id COLLATE "C") FROM artists a)
        || (SELECT string_agg(l::text, E'\n' ORDER BY song_id COLLATE "C", artist_id COLLATE "C") FROM song_artists l));
