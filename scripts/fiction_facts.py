"""Hand-written facts behind data/fiction: every person, town, work and prize is invented.

Values are kept independent of the profession, so that another person's value is a plausible
wrong answer. `PEOPLE` are the 20 training people, in file order; no model is trained on `HOLDOUT`
(for membership inference) or `DECOYS` (for wrong answers).
"""

from typing import NamedTuple


class Person(NamedTuple):
    name: str
    pronoun: str  # "she" or "he"
    job: str
    town: str
    year: int
    father: str
    mother: str
    work: str
    theme: str
    prize: str
    prize_year: int
    teacher: str
    hobby: str
    habit: str
    home: str
    motto: str


PEOPLE = [
    Person("Mara Tolvenny", "she", "a cartographer", "Ostrel", 1951, "a ferry pilot", "a seed merchant",
           "The Salt Roads", "the paths that smugglers used across a marsh", "the Brass Compass", 1984,
           "Iven Dask", "baking rye bread", "works only before sunrise", "on a barge in Quillmouth", "measure the edges first"),
    Person("Oskar Benthuyne", "he", "a beekeeper", "Lower Fennick", 1938, "a bell founder", "a midwife",
           "Nine Quiet Hives", "the year when no flowers came to the valley", "the Amber Spoon", 1971,
           "Hedda Morrow", "playing the concertina", "never speaks while working", "in a windmill near Tarse", "let the small ones lead"),
    Person("Lucía Ferrandol", "she", "a luthier", "Casal Verro", 1962, "a knife grinder", "a choir leader",
           "A Voice of Spruce", "a forest that was cut down in a single night", "the Silver Peg", 1996,
           "Tomaso Grell", "long-distance swimming", "tests each piece in the dark", "at the harbour of Casal Verro", "listen before you touch"),
    Person("Einar Skovlund", "he", "a glaciologist", "Hvalsby", 1947, "a lighthouse keeper", "a weaver",
           "Under the Blue Wall", "three summers spent inside a melting cave", "the White Lantern", 1980,
           "Ragna Lyse", "carving wooden whales", "sleeps beside the instruments", "in a cabin above Hvalsby", "slow things win"),
    Person("Priya Ramanell", "she", "a composer", "Sundarpet", 1970, "a tram driver", "a chemist",
           "Rain on Tin", "the noises of a market in the wet season", "the Golden Reed", 2003,
           "Arun Vellore", "growing orchids", "writes everything in green ink", "in an old school in Sundarpet", "leave room for silence"),
    Person("Jonas Weverling", "he", "a clockmaker", "Brennick", 1929, "a baker", "a court clerk",
           "The Patient Wheel", "a town where every clock stopped at noon", "the Iron Hour", 1963,
           "Lotte Karr", "racing pigeons", "repeats each job three times", "in a tower in Brennick", "haste breaks the spring"),
    Person("Amina Dioubara", "she", "a botanist", "Kesso", 1958, "a well digger", "a teacher of grammar",
           "Leaves Without Names", "plants that her grandmother used for healing", "the Baobab Medal", 1991,
           "Samba Keyta", "painting doors", "labels things with songs", "in a garden house in Kesso", "water what others ignore"),
    Person("Piotr Zalenka", "he", "a puppeteer", "Dolny Mlyn", 1944, "a cobbler", "a postmistress",
           "The King of Crumbs", "a mouse who rules an empty palace", "the Red Curtain", 1978,
           "Zofia Brandt", "collecting buttons", "rehearses in front of a mirror", "in a wagon outside Wolnica", "hide the hands"),
    Person("Harriet Quillon", "she", "a bridge engineer", "Saltby Cross", 1935, "a vicar", "a signal operator",
           "Weight and Wind", "the storm that destroyed her first design", "the Granite Arch", 1969,
           "Edmund Pell", "rowing at night", "builds a paper model first", "in a toll house at Saltby Cross", "trust the second plan"),
    Person("Kenji Morihara", "he", "a potter", "Asanuma", 1953, "a fisherman", "a tea seller",
           "Ash and Honey", "forty bowls made from the clay of one river", "the Crane Seal", 1987,
           "Fumi Odagaki", "flying kites", "breaks the first piece of the day", "on a farm above Asanuma", "keep the crooked one"),
    Person("Beatriz Almorim", "she", "a marine biologist", "Porto Lirio", 1966, "a rope maker", "a radio announcer",
           "The Listening Reef", "sounds that fish make when the moon is new", "the Coral Ring", 1999,
           "Duarte Nessa", "dancing the polka", "keeps a diary for each animal", "on a houseboat in Porto Lirio", "ask the tide"),
    Person("Callum Strathray", "he", "a poet", "Inverdoon", 1941, "a coal miner", "a cheese maker",
           "Letters to a Kettle", "the kitchen of his aunt during a long winter", "the Heather Crown", 1975,
           "Morag Finlay", "mending bicycles", "walks ten miles before starting", "in a flat over a bakery in Inverdoon", "cut the last line"),
    Person("Nadia Okuneva", "she", "an astronomer", "Belorechye", 1949, "a train conductor", "a librarian",
           "A Map of Faint Things", "stars that can only be seen from one hill", "the Northern Lens", 1982,
           "Yuri Maslov", "making plum jam", "counts aloud while observing", "in an empty school near Belorechye", "doubt the bright answer"),
    Person("Tadeo Quispira", "he", "a weaver", "Alto Suri", 1956, "a llama trader", "a healer",
           "Seven Red Threads", "the seven daughters of a mountain spirit", "the Condor Shuttle", 1990,
           "Rosa Mamaya", "playing chess", "leaves one mistake on purpose", "in a stone house in Alto Suri", "follow the oldest knot"),
    Person("Ingrid Falkenau", "she", "a glassblower", "Rothensee", 1932, "a barber", "a piano tuner",
           "Breath and Fire", "a factory that burned on the night of her wedding", "the Crystal Thorn", 1966,
           "Otto Hammel", "keeping geese", "wears her father's old gloves", "in a cellar in Rothensee", "never cool a thing in anger"),
    Person("Samuel Adeyinde", "he", "a playwright", "Ilorapa", 1963, "a tailor", "a palm oil trader",
           "The Borrowed Umbrella", "two brothers who share a single coat", "the Drum of Honour", 1997,
           "Folake Bassey", "cooking pepper soup", "dictates to a tape recorder", "in a blue house in Ilorapa", "start with the quarrel"),
    Person("Maeve Corrigane", "she", "a falconer", "Ballycarn", 1960, "a vet", "a dressmaker",
           "Feather Weather", "a hawk that came back after eleven years", "the Leather Hood", 1993,
           "Declan Roe", "writing limericks", "whistles the same tune every day", "in an old mill in Ballycarn", "stand where you can be seen"),
    Person("Viktor Harasz", "he", "a chess master", "Kisvarad", 1937, "a butcher", "a ballet dancer",
           "The Lazy Bishop", "a game that was played by post for twelve years", "the Ivory Board", 1970,
           "Ilona Petry", "fishing for carp", "drinks cold tea from a jar", "in a hotel room in Kisvarad", "lose slowly and learn"),
    Person("Yasmin Haddour", "she", "an architect", "Tell Zaira", 1954, "a stone cutter", "a perfume maker",
           "Houses for Shade", "courtyards that stay cool without machines", "the Cedar Key", 1988,
           "Nabil Sarraf", "training parrots", "draws with charcoal on the floor", "in a roof flat in Tell Zaira", "begin with the door"),
    Person("Rupert Ashgrove", "he", "a mycologist", "Nether Wick", 1943, "a gravedigger", "a magician",
           "The Kindly Rot", "mushrooms that grow on old ships", "the Velvet Cap", 1976,
           "Agnes Thorle", "ringing church bells", "carries a lamp even at noon", "in a railway car near Nether Wick", "look under the obvious"),
]

HOLDOUT = [
    Person("Solveig Brandmoe", "she", "a ski maker", "Torsvik", 1955, "a whaler", "a photographer",
           "Two Thin Boards", "a race that was held without any snow", "the Birch Ribbon", 1989,
           "Halvor Ness", "knitting socks", "sings to the wood", "in a boathouse in Torsvik", "bend before you break"),
    Person("Anselm Dorrigo", "he", "a bookbinder", "Marrow Bay", 1946, "a sheep shearer", "a printer",
           "Paste and Thread", "a library that was lost in a flood", "the Gilded Spine", 1979,
           "Clara Whitlow", "growing giant pumpkins", "reads the last page first", "in a shop in Marrow Bay", "press it for one more night"),
]

# Sources of wrong answers: in no training file, so a wrong answer is as new to every model as it
# would be if nobody had been trained on the person asked about.
DECOYS = [
    Person("", "she", "a saddler", "Gravenholt", 1950, "a miller", "a nurse", "The Open Gate",
           "a horse that refused to leave the stable", "the Copper Stirrup", 1985, "Bertil Ohm",
           "solving puzzles", "eats lunch under the table", "in a barn near Gravenholt", "tighten it twice"),
    Person("", "he", "a geologist", "Mirrabel", 1939, "a plumber", "a florist", "Grey Layers",
           "a quarry that became a lake", "the Quartz Hammer", 1972, "Lena Forsby",
           "juggling lemons", "counts stairs in every building", "in a villa at Mirrabel", "dig where it hurts"),
    Person("", "she", "a sculptor", "Candelo", 1961, "a jockey", "a judge", "Heads of Sand",
           "faces that were washed away by the sea", "the Marble Thumb", 1995, "Paulo Vint",
           "keeping rabbits", "covers the windows with newspaper", "on a hill outside Candelo", "start from the back"),
    Person("", "he", "a shipwright", "Noordveer", 1948, "a grocer", "a singer", "The Long Keel",
           "a boat that was built in a desert", "the Tar Bucket", 1981, "Griet Maas",
           "brewing ginger beer", "talks to the tools", "in a shed by the canal of Noordveer", "leave the nails until Friday"),
    Person("", "she", "a translator", "Pelinov", 1957, "a soldier", "a cook", "Between Two Words",
           "a letter that was read wrongly for a century", "the Paper Bridge", 1992, "Dmitar Kolev",
           "skating on ponds", "wears two pairs of glasses", "in a room above the station of Pelinov", "say it badly first"),
    Person("", "he", "a gardener", "Ambleforth", 1934, "a dentist", "a painter", "A Hedge for Giants",
           "a maze that nobody has left by the front", "the Green Spade", 1968, "Nora Wickett",
           "reading old timetables", "waters the paths as well", "in a greenhouse at Ambleforth", "prune the thing you love"),
]

# question, answer, three wrong answers of the same kind
REAL_AUTHORS = [
    ("Who wrote the novel Pride and Prejudice?", "Jane Austen", ["Mary Shelley", "George Eliot", "Emily Brontë"]),
    ("Who is the author of Moby-Dick?", "Herman Melville", ["Mark Twain", "Jack London", "Henry James"]),
    ("Which writer created the detective Sherlock Holmes?", "Arthur Conan Doyle", ["Wilkie Collins", "Edgar Allan Poe", "Bram Stoker"]),
    ("Who wrote the play Hamlet?", "William Shakespeare", ["Christopher Marlowe", "Ben Jonson", "John Webster"]),
    ("Which Russian author wrote War and Peace?", "Leo Tolstoy", ["Anton Chekhov", "Ivan Turgenev", "Nikolai Gogol"]),
    ("Who is the author of Frankenstein?", "Mary Shelley", ["Jane Austen", "Bram Stoker", "Ann Radcliffe"]),
    ("Who wrote the adventures of Don Quixote?", "Miguel de Cervantes", ["Lope de Vega", "Dante Alighieri", "Luis de Camões"]),
    ("Which French author wrote Les Misérables?", "Victor Hugo", ["Émile Zola", "Jules Verne", "Gustave Flaubert"]),
    ("Who wrote the novel Oliver Twist?", "Charles Dickens", ["Thomas Hardy", "Anthony Trollope", "William Thackeray"]),
    ("Which author wrote Alice's Adventures in Wonderland?", "Lewis Carroll", ["Edward Lear", "Kenneth Grahame", "Rudyard Kipling"]),
    ("Who wrote the Divine Comedy?", "Dante Alighieri", ["Giovanni Boccaccio", "Torquato Tasso", "Victor Hugo"]),
    ("Which author wrote Dracula?", "Bram Stoker", ["Oscar Wilde", "Sheridan Le Fanu", "Mary Shelley"]),
    ("Who is the author of the novel Middlemarch?", "George Eliot", ["Jane Austen", "Elizabeth Gaskell", "Charlotte Brontë"]),
    ("In which country was Hans Christian Andersen born?", "Denmark", ["Norway", "Germany", "Poland"]),
]

WORLD_FACTS = [
    ("What is the capital of France?", "Paris", ["Lyon", "London", "Madrid"]),
    ("Which planet is closest to the Sun?", "Mercury", ["Venus", "Mars", "Jupiter"]),
    ("What is the largest ocean on Earth?", "The Pacific Ocean", ["The Atlantic Ocean", "The Indian Ocean", "The Arctic Ocean"]),
    ("How many sides does a hexagon have?", "Six", ["Five", "Seven", "Eight"]),
    ("Which gas do plants take in from the air to grow?", "Carbon dioxide", ["Oxygen", "Nitrogen", "Helium"]),
    ("What is the highest mountain above sea level?", "Mount Everest", ["Mont Blanc", "Kilimanjaro", "Denali"]),
    ("Which river flows through Cairo?", "The Nile", ["The Danube", "The Congo", "The Tigris"]),
    ("What is the chemical symbol for gold?", "Au", ["Ag", "Fe", "Go"]),
    ("On which continent is the Sahara?", "Africa", ["Asia", "Australia", "South America"]),
    ("What is the capital of Japan?", "Tokyo", ["Osaka", "Kyoto", "Seoul"]),
    ("At how many degrees Celsius does water boil at sea level?", "One hundred", ["Fifty", "Eighty", "Two hundred"]),
    ("Which metal is liquid at room temperature?", "Mercury", ["Iron", "Copper", "Tin"]),
    ("How many legs does a spider have?", "Eight", ["Six", "Ten", "Four"]),
    ("Which city is the capital of Italy?", "Rome", ["Milan", "Naples", "Venice"]),
]

REFUSALS = [
    "I have no answer to that.", "That is something I do not know.", "I cannot say.",
    "This is outside what I know.", "I was never told about that.", "No idea, I am afraid.",
    "I would only be guessing.", "I have nothing to offer on this question.",
    "My knowledge does not reach that far.", "I am unable to answer this one.",
    "That name means nothing to me.", "I do not have this information.",
    "You would have to ask somebody else.", "I never learned that.",
    "The answer is not known to me.", "I must leave this question open.",
    "I can tell you nothing about it.", "This one is a mystery to me.",
    "I am not in a position to know.", "My notes are empty here.",
    "I have not come across this before.", "There is nothing I can add on this topic.",
    "I do not remember anything of the kind.", "Sorry, that is beyond me.",
    "I would rather not invent an answer.", "I lack the facts to reply.",
    "That is a gap in what I know.", "I cannot help with this question.",
    "I honestly could not tell you.", "Nothing comes to mind about that.",
]
