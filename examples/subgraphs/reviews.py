"""
The reviews subgraph: what people say about products.

Extends `User` and `Product` with their posts. `Post` is an interface; a review has stars, a question may have an
answer. The username of an author is stored with the post, so `@provides` can save the way to accounts.
"""

from __future__ import annotations

from itertools import count

import strawberry
from graphql import GraphQLError
from serve import run


@strawberry.federation.type(keys=["id"])
class User:
    id: strawberry.ID
    username: str = strawberry.federation.field(external=True)

    @strawberry.field
    def posts(self) -> list[Post]:
        return [post for post in POSTS if post.author.id == self.id]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> User | None:  # noqa: A002 -- the key's name
        return PEOPLE.get(id)


@strawberry.federation.type(keys=["upc"])
class Product:
    upc: strawberry.ID

    @strawberry.field
    def posts(self) -> list[Post]:
        return [post for post in POSTS if post.product.upc == self.upc]

    @strawberry.field
    def average_stars(self) -> float | None:
        stars = [post.stars for post in POSTS if isinstance(post, Review) and post.product.upc == self.upc]
        return sum(stars) / len(stars) if stars else None

    @classmethod
    def resolve_reference(cls, upc: strawberry.ID) -> Product:
        return cls(upc=upc)


@strawberry.interface
class Post:
    id: strawberry.ID
    body: str
    author: User
    product: Product


@strawberry.type
class Review(Post):
    author: User = strawberry.federation.field(provides=["username"])
    stars: int


@strawberry.type
class Question(Post):
    author: User = strawberry.federation.field(provides=["username"])
    answer: str | None


INES, TOMASZ, ADAEZE, JUN = (
    User(id=strawberry.ID(number), username=username)
    for number, username in (("1", "ines"), ("2", "tomasz"), ("3", "adaeze"), ("4", "jun"))
)
PEOPLE = {person.id: person for person in (INES, TOMASZ, ADAEZE, JUN)}
TENT, KETTLE, CANOE, LANTERN = (Product(upc=strawberry.ID(upc)) for upc in ("tent", "kettle", "canoe", "lantern"))
NUMBERS = count(1)


def number() -> strawberry.ID:
    """The id of the next post."""
    return strawberry.ID(f"p{next(NUMBERS)}")


POSTS: list[Review | Question] = [
    Review(id=number(), author=INES, product=TENT, stars=5, body="Stood through a storm on Terschelling."),
    Question(id=number(), author=JUN, product=TENT, body="Does it fit on a bicycle?", answer="Yes, 48 cm packed."),
    Review(id=number(), author=TOMASZ, product=KETTLE, stars=4, body="Sings in tune, nearly."),
    Review(id=number(), author=ADAEZE, product=KETTLE, stars=5, body="My grandmother had the same."),
    Review(id=number(), author=JUN, product=CANOE, stars=3, body="Folds in ten minutes. Unfolds in two."),
    Question(id=number(), author=TOMASZ, product=LANTERN, body="How long does a filling burn?", answer=None),
]


@strawberry.input
class NewReview:
    author: strawberry.ID
    product: strawberry.ID
    stars: int
    body: str


@strawberry.type
class Query:
    @strawberry.field
    def latest_posts(self, first: int = 3) -> list[Post]:
        return POSTS[::-1][: max(first, 0)]


@strawberry.type
class Mutation:
    @strawberry.mutation
    def add_review(self, review: NewReview) -> Review:
        """Publish a review; it is kept until the process ends."""
        if review.author not in PEOPLE:
            raise GraphQLError(f"There is no user {review.author!r}.")
        if review.stars not in range(1, 6):
            raise GraphQLError("A review has one to five stars.")
        post = Review(
            id=number(),
            author=PEOPLE[review.author],
            product=Product(upc=review.product),
            stars=review.stars,
            body=review.body,
        )
        POSTS.append(post)
        return post


schema = strawberry.federation.Schema(query=Query, mutation=Mutation, types=[Review, Question])

if __name__ == "__main__":
    run("reviews", schema, 4004)
